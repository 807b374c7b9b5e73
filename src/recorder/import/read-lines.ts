import type { FileHandle } from 'node:fs/promises'

export interface LinesOptions {
  /** A longer line is passed over, in no more memory than this. */
  readonly maxLineBytes: number
  readonly onBytes: (bytes: number) => void
  readonly onTooLong: () => void
}

const chunkBytes = 256 * 1024
const newline = 0x0a

/**
 * The lines of a file as bytes, without their ends, one at a time and in bounded memory. A line is only good until the
 * next one is asked for. What stands behind the last line end is a line too: a program may have died while writing it.
 */
export async function* readLines(file: FileHandle, options: LinesOptions): AsyncGenerator<Buffer> {
  const { maxLineBytes, onBytes, onTooLong } = options
  const chunk = Buffer.allocUnsafe(chunkBytes)
  /** The pieces of a line that began in earlier chunks, copied; null while such a line is being passed over. */
  let pieces: Buffer[] | null = []
  let heldBytes = 0
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, chunkBytes)
    if (bytesRead === 0) break
    onBytes(bytesRead)
    let start = 0
    for (;;) {
      const end = chunk.subarray(0, bytesRead).indexOf(newline, start)
      const part = chunk.subarray(start, end < 0 ? bytesRead : end)
      if (pieces !== null && heldBytes + part.length > maxLineBytes) {
        onTooLong()
        pieces = null
      }
      if (end < 0) {
        if (pieces !== null && part.length > 0) pieces.push(Buffer.from(part))
        heldBytes += part.length
        break
      }
      if (pieces !== null) yield pieces.length === 0 ? part : Buffer.concat([...pieces, part])
      pieces = []
      heldBytes = 0
      start = end + 1
    }
  }
  if (pieces !== null && pieces.length > 0) yield Buffer.concat(pieces)
}
