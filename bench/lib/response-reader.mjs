// @ts-check
const maxHeadBytes = 64 * 1024

/**
 * Reads HTTP/1.1 responses off one connection: a head, then a body by length or in chunks. It knows as much of HTTP as
 * the answers of this bench need, and fails loudly on anything else.
 */
export class ResponseReader {
  /** @type {'head' | 'length' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer' | 'until-close'} */
  state = 'head'
  /** @type {Buffer | null} */
  rest = null
  remaining = 0
  /** Size of the chunk whose size line is being read, digit by digit: lines come cut anywhere. */
  chunkSize = 0
  inExtension = false
  trailerLine = 0
  status = 0
  headText = ''
  closes = false

  /**
   * @param {{ body(buffer: Buffer, start: number, end: number): void, done(): void }} sink
   *   `done` is called once for each response, when it is complete
   */
  constructor(sink) {
    this.sink = sink
  }

  /** Forgets a response that will not come to its end. */
  reset() {
    this.state = 'head'
    this.rest = null
    this.remaining = 0
    this.closes = false
  }

  /** The connection ended. @returns {boolean} whether that is a proper end of the response under way */
  end() {
    if (this.state !== 'until-close') return false
    this.finish()
    return true
  }

  /** @param {Buffer} data @param {number} length */
  feed(data, length) {
    let at = 0
    while (at < length) {
      switch (this.state) {
        case 'head':
          at = this.readHead(data, at, length)
          break
        case 'length':
        case 'chunk-data': {
          const end = Math.min(length, at + this.remaining)
          this.remaining -= end - at
          this.sink.body(data, at, end)
          at = end
          if (this.remaining > 0) break
          if (this.state === 'length') this.finish()
          else this.state = 'chunk-end'
          break
        }
        case 'until-close':
          this.sink.body(data, at, length)
          at = length
          break
        case 'chunk-size':
          this.readChunkSize(data[at] ?? 0)
          at += 1
          break
        case 'chunk-end':
          if (data[at] === 0x0a) this.beginChunkSize()
          at += 1
          break
        case 'trailer':
          this.readTrailer(data[at] ?? 0)
          at += 1
          break
      }
    }
  }

  /** @param {Buffer} data @param {number} at @param {number} length @returns {number} where to read on */
  readHead(data, at, length) {
    let buffer = data.subarray(at, length)
    const before = this.rest?.length ?? 0
    if (this.rest !== null) buffer = Buffer.concat([this.rest, buffer])
    const end = buffer.indexOf('\r\n\r\n', Math.max(0, before - 3), 'latin1')
    if (end < 0) {
      if (buffer.length > maxHeadBytes) throw new Error('the head of a response does not end')
      this.rest = Buffer.from(buffer) // a copy: the read buffer is used again
      return length
    }
    this.rest = null
    this.beginBody(buffer.toString('latin1', 0, end + 2))
    return at + end + 4 - before
  }

  /** @param {string} head with its last line end */
  beginBody(head) {
    this.headText = head
    this.status = Number(head.slice(9, 12))
    this.closes = /\r\nconnection: *close\r\n/i.test(head)
    if (this.status < 200) return // 100 Continue: the real head follows
    if (/\r\ntransfer-encoding: *chunked\r\n/i.test(head)) return this.beginChunkSize()
    const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head)
    if (length === null) {
      this.state = 'until-close'
      return
    }
    this.remaining = Number(length[1])
    if (this.remaining === 0) this.finish()
    else this.state = 'length'
  }

  beginChunkSize() {
    this.state = 'chunk-size'
    this.chunkSize = 0
    this.inExtension = false
  }

  /** @param {number} byte */
  readChunkSize(byte) {
    if (byte === 0x0a) {
      this.trailerLine = 0
      this.remaining = this.chunkSize
      this.state = this.chunkSize === 0 ? 'trailer' : 'chunk-data'
    } else if (byte === 0x3b || byte === 0x0d) this.inExtension = true
    else if (!this.inExtension) {
      const digit = byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x61 + 10
      if (digit < 0 || digit > 15) throw new Error('the size of a chunk is no number')
      this.chunkSize = this.chunkSize * 16 + digit
    }
  }

  /** @param {number} byte */
  readTrailer(byte) {
    if (byte === 0x0a) {
      if (this.trailerLine === 0) return this.finish()
      this.trailerLine = 0
    } else if (byte !== 0x0d) this.trailerLine += 1
  }

  finish() {
    this.state = 'head'
    this.sink.done()
  }
}
