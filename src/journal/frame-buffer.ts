import { frameHeaderBytes, writeFrameHeader } from './frame.ts'

/** Enough for some 200 records; only a disk that refuses makes it grow. */
const usualBytes = 256 * 1024

/**
 * Frames waiting to be written, in order, in one buffer that is used again and again: adding a record allocates
 * nothing that lives. `head` is where the bytes begin that no file has yet.
 */
export class FrameBuffer {
  buffer: Buffer = Buffer.allocUnsafeSlow(usualBytes)
  head = 0
  #tail = 0

  get bytes(): number {
    return this.#tail - this.head
  }

  /** Adds one frame and returns its bytes, or 0 (and adds nothing) where the payload is longer than `maxPayload`. */
  add(payload: string, maxPayload: number): number {
    // A UTF-16 unit becomes three bytes of UTF-8 at most.
    if (payload.length > maxPayload) return 0
    this.#makeRoom(frameHeaderBytes + payload.length * 3)
    const payloadBytes = this.buffer.write(payload, this.#tail + frameHeaderBytes)
    if (payloadBytes > maxPayload) return 0
    writeFrameHeader(this.buffer, this.#tail, payloadBytes)
    this.#tail += frameHeaderBytes + payloadBytes
    return frameHeaderBytes + payloadBytes
  }

  /** A file has the first `count` bytes. */
  taken(count: number): void {
    this.head += count
    if (this.head < this.#tail) return
    this.head = 0
    this.#tail = 0
    if (this.buffer.length > 4 * usualBytes) this.buffer = Buffer.allocUnsafeSlow(usualBytes)
  }

  #makeRoom(bytes: number): void {
    if (this.#tail + bytes <= this.buffer.length) return
    // Moving down pays only where it frees half of the buffer; else each record behind a slow disk would move them all.
    const moves = this.head >= this.buffer.length / 2 && this.bytes + bytes <= this.buffer.length
    const target = moves ? this.buffer : Buffer.allocUnsafeSlow(Math.max(2 * this.buffer.length, this.bytes + bytes))
    this.buffer.copy(target, 0, this.head, this.#tail)
    this.buffer = target
    this.#tail -= this.head
    this.head = 0
  }
}
