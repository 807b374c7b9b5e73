/**
 * How records lie in a segment file: u32 length of the payload, u32 CRC-32 of the payload, payload (both little endian).
 * Frames follow each other without gaps, and a frame never spans two segments.
 */
import { crc32 } from 'node:zlib'

/** Length and checksum, four bytes each. */
export const frameHeaderBytes = 8

/**
 * Longest payload. A length above it can only be damage, so a reader never asks for more memory than this. Records
 * are some 1.2 KB; the fields that callers fill are cut long before.
 */
export const maxPayloadBytes = 1024 * 1024

/** Completes the frame at `start` whose payload was already put behind the header's place. */
export function writeFrameHeader(buffer: Buffer, start: number, payloadBytes: number): void {
  const payloadStart = start + frameHeaderBytes
  buffer.writeUInt32LE(payloadBytes, start)
  buffer.writeUInt32LE(crc32(buffer.subarray(payloadStart, payloadStart + payloadBytes)), start + 4)
}

/**
 * What stands at a place: a whole frame; `partial`: a frame that ends behind the bytes at hand (`end` is where it
 * should, or the header's end); `bad`: no frame that a writer of ours can have completed. An `end` of `bad` is where
 * the frame would end by its length, or null where the length itself is impossible.
 */
export type FrameLook =
  | { readonly kind: 'whole'; readonly end: number }
  | { readonly kind: 'partial'; readonly end: number }
  | { readonly kind: 'bad'; readonly end: number | null }

/** Looks at the frame at `start` in the first `filled` bytes of a buffer. */
export function lookAtFrame(buffer: Buffer, start: number, filled: number): FrameLook {
  const payloadStart = start + frameHeaderBytes
  if (payloadStart > filled) return { kind: 'partial', end: payloadStart }
  const length = buffer.readUInt32LE(start)
  // An empty payload is never written; zeros are what a power cut leaves behind.
  if (length === 0 || length > maxPayloadBytes) return { kind: 'bad', end: null }
  const end = payloadStart + length
  if (end > filled) return { kind: 'partial', end }
  if (crc32(buffer.subarray(payloadStart, end)) !== buffer.readUInt32LE(start + 4)) return { kind: 'bad', end }
  return { kind: 'whole', end }
}

/** Eight digits, so that names sort like numbers. */
export function segmentFileName(segment: number): string {
  return `${String(segment).padStart(8, '0')}.seg`
}

/** The number in a segment's file name; null for files that are none. */
export function segmentOfFileName(name: string): number | null {
  const match = /^(\d{8,15})\.seg$/.exec(name)
  return match === null ? null : Number(match[1])
}
