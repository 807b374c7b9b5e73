import { createHash } from 'node:crypto'

/** What OpenAI's API takes as a function name; Claude Code's `mcp__server__tool` names are often longer. */
const allowed = /^[a-zA-Z0-9_-]{1,64}$/

/** Names of tools on their way to a provider and back. */
export interface ToolNames {
  toProvider(name: string): string
  /** Provider's name to the caller's, only those that were changed. */
  readonly changed: ReadonlyMap<string, string>
}

/**
 * Short names for those that the provider would refuse: the readable part and a hash, the same in every turn, so that the
 * provider's prompt cache holds.
 */
export function createToolNames(isAllowed: (name: string) => boolean = (name) => allowed.test(name)): ToolNames {
  const changed = new Map<string, string>()
  const known = new Map<string, string>()
  return {
    changed,
    toProvider(name) {
      if (isAllowed(name)) return name
      const found = known.get(name)
      if (found !== undefined) return found
      const hash = createHash('sha256').update(name).digest('hex').slice(0, 10)
      // Some providers want a letter or `_` first, and none minds one.
      const readable = name.replace(/[^a-zA-Z0-9_-]/g, '_').replace(/^[^a-zA-Z_]/, '_$&')
      const short = `${readable.slice(0, 64 - 11)}_${hash}`
      known.set(name, short)
      changed.set(short, name)
      return short
    },
  }
}
