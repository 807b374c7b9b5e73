import type { Dirent } from 'node:fs'
import { lstat, readdir, realpath } from 'node:fs/promises'
import path from 'node:path'

export interface TranscriptFile {
  readonly path: string
  readonly bytes: number
  readonly modifiedAt: number
  /** The folder of its project below `projects/`, such as `-home-me-work-shop`. */
  readonly projectFolder: string
}

export interface FoundTranscripts {
  /** Oldest first: of a conversation that was forked, the original comes before its copies. */
  readonly files: readonly TranscriptFile[]
  /** Folders and files that could not be read, relative to the directory. */
  readonly unreadable: readonly string[]
  /** Links are not followed: they may lead round in circles, and out of the directory. */
  readonly links: number
}

const depthLimit = 8

/**
 * Every `*.jsonl` below a directory: Claude Code's own configuration directory (the one that has `projects/` in it), or
 * any other. Throws where the directory itself can not be read.
 */
export async function findTranscripts(directory: string): Promise<FoundTranscripts> {
  const given = await realpath(directory)
  const root = await realpath(path.join(given, 'projects')).catch(() => given)
  const files: TranscriptFile[] = []
  const unreadable: string[] = []
  let links = 0

  async function visit(folder: string, depth: number, entries: readonly Dirent[]): Promise<void> {
    for (const entry of entries) {
      const full = path.join(folder, entry.name)
      try {
        if (entry.isSymbolicLink()) links += 1
        else if (entry.isDirectory() && depth < depthLimit)
          await visit(full, depth + 1, await readdir(full, { withFileTypes: true }))
        else if (entry.isFile() && entry.name.endsWith('.jsonl')) files.push(await describe(full))
      } catch {
        unreadable.push(path.relative(root, full)) // Told at the end; the others are worth reading all the same.
      }
    }
  }

  async function describe(file: string): Promise<TranscriptFile> {
    const { size, mtimeMs } = await lstat(file)
    const [first = '', ...deeper] = path.relative(root, file).split(path.sep)
    const projectFolder = deeper.length > 0 ? first : path.basename(root)
    return { path: file, bytes: size, modifiedAt: mtimeMs, projectFolder }
  }

  await visit(root, 0, await readdir(root, { withFileTypes: true }))
  files.sort((left, right) => left.modifiedAt - right.modifiedAt || (left.path < right.path ? -1 : 1))
  return { files, unreadable, links }
}

/**
 * The name of a project: the last part of its directory. Its folder's name is that directory with everything but letters
 * and digits made a dash, which can not be turned back, so a working directory that fits it must tell.
 */
export function projectName(projectFolder: string, workingDirectory: string | null): string | null {
  if (workingDirectory === null || workingDirectory.replaceAll(/[^a-zA-Z0-9]/g, '-') !== projectFolder) return null
  // Windows transcripts may be read elsewhere.
  return workingDirectory.split(/[/\\]/).findLast((part) => part !== '') ?? null
}
