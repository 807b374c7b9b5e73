/**
 * The archive of a backup: tar, so that it can be looked into with what every machine has. Only regular files with short
 * names are written, and nothing else is read.
 * Source: POSIX.1-1988 `ustar`, https://www.gnu.org/software/tar/manual/html_node/Standard.html
 */

export const blockBytes = 512

export interface TarHeader {
  readonly name: string
  readonly bytes: number
}

/** The block before a file's bytes. `name` has at most 100 ASCII characters. */
export function tarHeader({ name, bytes }: TarHeader, mtimeSeconds: number): Buffer {
  const block = Buffer.alloc(blockBytes)
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`
  block.write(name, 0, 100, 'ascii')
  block.write(octal(0o600, 7), 100, 'ascii')
  block.write(octal(0, 7), 108, 'ascii')
  block.write(octal(0, 7), 116, 'ascii')
  block.write(octal(bytes, 11), 124, 'ascii')
  block.write(octal(mtimeSeconds, 11), 136, 'ascii')
  block.write('0', 156, 'ascii')
  block.write('ustar\u000000', 257, 'ascii')
  block.write(`${octal(checksum(block), 6)} `, 148, 'ascii')
  return block
}

/** Zeros that fill a file up to whole blocks. */
export const tarPadding = (bytes: number): Buffer => Buffer.alloc((blockBytes - (bytes % blockBytes)) % blockBytes)

/** What ends an archive. */
export const tarEnd: Buffer = Buffer.alloc(2 * blockBytes)

/** null: a block of zeros, the end. Throws a plain `Error` on anything that is not a header of ours. */
export function parseTarHeader(block: Buffer): TarHeader | null {
  if (block.every((byte) => byte === 0)) return null
  const text = (from: number, to: number): string => block.toString('ascii', from, to).replace(/[\0 ]+$/, '')
  const number = (from: number, to: number): number => {
    const digits = text(from, to)
    if (!/^[0-7]+$/.test(digits)) throw new Error('a number of a header is no number')
    return Number.parseInt(digits, 8)
  }
  if (text(257, 262) !== 'ustar' || number(148, 155) !== checksum(block)) throw new Error('a header is damaged')
  if (text(156, 157) !== '0') throw new Error('it holds something that is no file')
  return { name: text(0, 100), bytes: number(124, 136) }
}

/** The sum of all bytes, those of the sum itself taken as spaces. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20
  for (const [at, byte] of block.entries()) if (at < 148 || at >= 156) sum += byte
  return sum
}
