/** What all parts of one request's translation share. */
import { createHash } from 'node:crypto'
import type { TranslationTarget } from '../../core/dialect.ts'
import type { Json, MessagesRequest } from '../../core/messages.ts'
import type { Notes } from '../shared/notes.ts'
import type { ToolNames } from '../shared/tool-names.ts'
import type { ChatQuirks } from './quirks.ts'

export interface Scope {
  readonly request: MessagesRequest
  readonly target: TranslationTarget
  readonly quirks: ChatQuirks
  readonly notes: Notes
  readonly names: ToolNames
  /** Names of tools that `tool_reference` or a call in the history named: deferred tools that are loaded. */
  readonly loaded: Set<string>
  /** Tools that a `tool_addition` defines in the middle of the conversation. */
  readonly added: Json[]
}

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** A call's id in the target's format: itself where it fits, else always the same other one, for call and result alike. */
export function callIdFor(quirks: ChatQuirks, id: string): string {
  const format = quirks.callId
  if (format === null || format.fits.test(id)) return id
  const digest = createHash('sha256').update(id).digest()
  let mapped = format.prefix
  for (let at = 0; at < format.length; at += 1) mapped += alphabet[(digest[at] ?? 0) % alphabet.length]
  return mapped
}
