/**
 * Reads a copy of an event stream as it passes: bytes in, `(event name, data bytes)` out, at any chunking. Accepts LF and
 * CRLF, comments, several `data:` lines, no space after the colon and a missing final blank line (WHATWG HTML, section
 * 9.2, with the tolerance that providers need). It never throws: a tap must not disturb what it listens to.
 */

/** A line longer than this is not kept; its event is reported with empty data. */
const lineLimitBytes = 4 * 1024 * 1024

const lf = 0x0a
const cr = 0x0d

/** Finds the events in a stream of bytes that may be cut anywhere. */
export class SseTap {
  readonly #onEvent: (name: string, data: Buffer) => void
  /** The start of a line whose end has not come yet. */
  #partial: Buffer[] = []
  #partialBytes = 0
  #name = ''
  #data: Buffer | null = null

  constructor(onEvent: (name: string, data: Buffer) => void) {
    this.#onEvent = onEvent
  }

  push(chunk: Buffer): void {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(lf, start)
      if (end < 0) break
      if (this.#partialBytes === 0) this.#line(chunk, start, end)
      else this.#joinedLine(chunk.subarray(start, end))
      start = end + 1
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start))
  }

  /** The stream ended: a last event without its blank line still counts. */
  finish(): void {
    if (this.#partialBytes > 0) this.#joinedLine(Buffer.alloc(0))
    this.#dispatch()
  }

  /** True between events: something of ours may be written here without tearing a frame. */
  get atBoundary(): boolean {
    return this.#partialBytes === 0 && this.#name === '' && this.#data === null
  }

  #keep(rest: Buffer): void {
    this.#partialBytes += rest.length
    if (this.#partialBytes > lineLimitBytes) this.#partial = []
    else this.#partial.push(rest)
  }

  #joinedLine(rest: Buffer): void {
    const line = this.#partialBytes > lineLimitBytes ? Buffer.from('data:') : Buffer.concat([...this.#partial, rest])
    this.#partial = []
    this.#partialBytes = 0
    this.#line(line, 0, line.length)
  }

  #line(bytes: Buffer, start: number, lineEnd: number): void {
    const end = lineEnd > start && bytes[lineEnd - 1] === cr ? lineEnd - 1 : lineEnd
    if (end === start) return this.#dispatch()
    const first = bytes[start]
    // "data:" and "event:" told apart by their first letter and the place of the colon; other fields do not concern us.
    if (first === 0x64 && bytes[start + 4] === 0x3a)
      this.#addData(bytes.subarray(skipSpace(bytes, start + 5, end), end))
    else if (first === 0x65 && bytes[start + 5] === 0x3a)
      this.#name = bytes.toString('latin1', skipSpace(bytes, start + 6, end), end)
  }

  #addData(data: Buffer): void {
    this.#data = this.#data === null ? data : Buffer.concat([this.#data, Buffer.from('\n'), data])
  }

  #dispatch(): void {
    if (this.#data !== null) this.#onEvent(this.#name, this.#data)
    this.#name = ''
    this.#data = null
  }
}

const skipSpace = (bytes: Buffer, at: number, end: number): number => (at < end && bytes[at] === 0x20 ? at + 1 : at)
