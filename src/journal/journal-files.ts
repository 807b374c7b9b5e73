import { closeSync, fdatasync, fsync, openSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'

/** The file operations of a journal's writer, so that a test can put a failing disk in their place. */
export interface JournalFiles {
  /** Creates the file (0600) for writing; fails where it exists. */
  create(path: string): number
  /** Writes at a position and says how many bytes it took, which may be fewer. */
  write(fd: number, bytes: Buffer, offset: number, length: number, position: number): number
  sync(fd: number): Promise<void>
  /** Makes new names in a directory survive a power cut. */
  syncDirectory(path: string): Promise<void>
  close(fd: number): void
}

/** The real ones. */
export const journalFiles: JournalFiles = {
  create: (path) => openSync(path, 'wx', 0o600),
  write: writeSync,
  sync: (fd) =>
    new Promise((resolve, reject) => {
      fdatasync(fd, (error) => (error === null ? resolve() : reject(error)))
    }),
  async syncDirectory(path) {
    const directory = await open(path, 'r')
    try {
      await new Promise<void>((resolve, reject) => {
        fsync(directory.fd, (error) => (error === null ? resolve() : reject(error)))
      })
    } finally {
      await directory.close()
    }
  },
  close: closeSync,
}
