import path from 'node:path'

/**
 * A failure of the operating system in a person's words: what was wanted, and what to look at. Null for all other errors,
 * which have words of their own.
 */
export function explainSystemError(error: Error): string | null {
  const facts = error as Partial<Record<'code' | 'path' | 'address' | 'port' | 'hostname', unknown>> // optional on system errors
  const where = typeof facts.path === 'string' ? facts.path : null
  const folder = where === null ? 'it' : path.dirname(where)
  switch (facts.code) {
    case 'ECONNREFUSED':
    case 'ETIMEDOUT':
    case 'ECONNRESET':
    case 'EHOSTUNREACH':
      return `Nothing answers at ${place(facts.address, facts.port)} (${facts.code}). Is the database running there, and is DATABASE_URL right?`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `There is no machine called ${String(facts.hostname ?? 'that')} (${facts.code}). Is DATABASE_URL right?`
    case 'ENOENT':
      return where === null ? null : `${where} can not be found or made: is there a directory ${folder}?`
    case 'EACCES':
    case 'EPERM':
      return where === null ? null : `This user may not use ${where} (${facts.code}).`
    case 'EROFS':
      return where === null ? null : `${folder} is on a disk that can only be read.`
    case 'ENOSPC':
    case 'EDQUOT':
      return `The disk is full (${facts.code})${where === null ? '' : `: ${folder}`}.`
    case 'EISDIR':
      return where === null ? null : `${where} is a directory, and a file is needed.`
    case 'ENOTDIR':
      return where === null ? null : `${where}: a part of this path is a file, and a directory is needed.`
    default:
      return null
  }
}

const place = (address: unknown, port: unknown): string =>
  typeof address === 'string'
    ? `${address}${typeof port === 'number' ? `:${port}` : ''}`
    : 'the address of the database'
