/** What all parts of one request's translation share. */
import { createHash } from 'node:crypto'
import type { TranslationTarget } from '../../core/dialect.ts'
import type { Json, MessagesRequest } from '../../core/messages.ts'
import type { Notes } from '../shared/notes.ts'
import type { ToolNames } from '../shared/tool-names.ts'

export interface Scope {
  readonly request: MessagesRequest
  readonly target: TranslationTarget
  readonly notes: Notes
  readonly names: ToolNames
  /** Names of tools that `tool_reference` or a call in the history named: deferred tools that are loaded. */
  readonly loaded: Set<string>
  /** Tools that a `tool_addition` defines in the middle of the conversation. */
  readonly added: Json[]
}

/** A model that nothing is known of is taken for one of the newest: they all reason. */
export const isReasoning = ({ target }: Scope): boolean => target.facts.reasoning !== false

/** Longer ids are refused; those of other providers in the history can be longer, and are the same in every turn. */
const callIdLimit = 64

export const callIdFor = (id: string): string =>
  id.length <= callIdLimit ? id : `call_${createHash('sha256').update(id).digest('hex').slice(0, 32)}`

/** A mark that no model behind this API takes. */
export function noteCacheMark({ notes }: Scope, holder: Json): void {
  if (holder.cache_control !== undefined && holder.cache_control !== null) notes.add('cache_control', 'dropped')
}
