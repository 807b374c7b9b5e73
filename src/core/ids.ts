import { randomFillSync } from 'node:crypto'

// One call of the random source serves many ids: a call each costs more than the rest of the id.
const pool = Buffer.allocUnsafe(4096)
let used = pool.length

const hex: string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * A UUID version 7 (RFC 9562, section 5.7): 48 bits of epoch milliseconds, then 74 random bits.
 * Ids made in different milliseconds sort by time.
 */
export function uuidv7(nowMs: number): string {
  if (used + 10 > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const at = used
  used += 10
  return uuidv7Of(nowMs, pool, at)
}

/**
 * The same with bits of one's own: ten bytes of `bits` from `at`, of which 74 bits are used. What stands for one thing
 * (a time and a digest) is one id, whoever makes it and when.
 */
export function uuidv7Of(nowMs: number, bits: Uint8Array, at = 0): string {
  const byte = (offset: number): number => bits[at + offset] ?? 0
  const time = nowMs.toString(16).padStart(12, '0')
  return (
    `${time.slice(0, 8)}-${time.slice(8)}-` +
    `${hex[0x70 | (byte(0) & 0x0f)]}${hex[byte(1)]}-` +
    `${hex[0x80 | (byte(2) & 0x3f)]}${hex[byte(3)]}-` +
    `${hex[byte(4)]}${hex[byte(5)]}${hex[byte(6)]}${hex[byte(7)]}${hex[byte(8)]}${hex[byte(9)]}`
  )
}

/** The epoch milliseconds inside a UUID version 7. */
export function timeOfUuidv7(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}
