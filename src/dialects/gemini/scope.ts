/** What all parts of one request's translation share. */
import type { TranslationTarget } from '../../core/dialect.ts'
import type { Json, MessagesRequest } from '../../core/messages.ts'
import type { Notes } from '../shared/notes.ts'
import type { ToolNames } from '../shared/tool-names.ts'
import type { Steps } from './flat-schema.ts'

export interface GeminiOptions {
  /** Whether Anthropic's web search becomes Google's where the request has no other tools. */
  readonly googleSearch: boolean
}

export interface Scope {
  readonly request: MessagesRequest
  readonly target: TranslationTarget
  readonly options: GeminiOptions
  readonly notes: Notes
  readonly names: ToolNames
  /** Calls and results have ids, calls have signatures, results have files. */
  readonly isGeneration3: boolean
  /** Names of tools that `tool_reference` or a call in the history named: deferred tools that are loaded. */
  readonly loaded: Set<string>
  /** Tools that a `tool_addition` defines in the middle of the conversation. */
  readonly added: Json[]
  /** What the request's schemas may cost together. */
  readonly schemaSteps: Steps
  /** Thought signatures of calls, by the id of the call. */
  readonly callSignatures: ReadonlyMap<string, string>
}

/** A part of a content: text, data, a call, a result. */
export type Part = Readonly<Record<string, unknown>>

export interface Content {
  readonly role: 'user' | 'model'
  readonly parts: Part[]
}
