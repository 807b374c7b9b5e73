import { isJson, type Json } from '../../core/messages.ts'
import { clampEffort, wantedEffort } from '../shared/effort.ts'
import { refuse } from '../shared/notes.ts'
import { isStrictSchema } from '../shared/strict-schema.ts'
import { isReasoning, type Scope } from './scope.ts'

/** The API refuses less, where a client asks for one token to see whether a model answers. */
const leastTokens = 16

export function tokenLimit({ request, target, notes }: Scope): Json {
  const most = target.facts.maxOutputTokens ?? Infinity
  const limit = Math.max(leastTokens, Math.min(request.maxTokens, most))
  if (limit !== request.maxTokens) notes.add('max_tokens', 'clamped')
  return { max_output_tokens: limit }
}

/** What the newest models take; older ones have their words in the table of models. */
const newestEfforts = ['none', 'low', 'medium', 'high', 'xhigh']

/** The word that is sent, or null for the model's own. */
export function effortOf(scope: Scope): string | null {
  const { word } = wantedEffort(scope.request.fields)
  if (word === null) return null
  const accepted = scope.target.facts.efforts ?? (isReasoning(scope) ? newestEfforts : [])
  const chosen = clampEffort(word, accepted)
  // A model that cannot think needs no switch to stop it.
  if (chosen === null && word !== 'none') scope.notes.add('effort', 'dropped')
  else if (chosen !== null && chosen !== word) scope.notes.add(word === 'none' ? 'thinking' : 'effort', 'clamped')
  return chosen
}

/** Effort, a summary of the thoughts where they are to be seen, and the thoughts themselves, encrypted, for the next turn. */
export function reasoningFields(scope: Scope, effort: string | null): Json {
  const reasoning = {
    ...(effort !== null && { effort }),
    ...(isReasoning(scope) && effort !== 'none' && wantsThoughts(scope.request.fields) && { summary: 'auto' }),
  }
  return {
    ...(Object.keys(reasoning).length > 0 && { reasoning }),
    ...(isReasoning(scope) && { include: ['reasoning.encrypted_content'] }),
  }
}

/**
 * Whether the caller says that it wants to see thoughts. Only then are summaries asked for: OpenAI refuses the whole call
 * to organisations it has not verified, and clients send `adaptive` with everything.
 */
function wantsThoughts({ thinking }: Json): boolean {
  if (!isJson(thinking) || thinking.type === 'disabled') return false
  return thinking.display === 'summarized' || (thinking.type === 'enabled' && (thinking.display ?? null) === null)
}

/** `temperature` and `top_p`, where the model takes them; `top_k` never. */
export function sampling(scope: Scope, effort: string | null): Json {
  const { notes } = scope
  const { temperature, top_p: topP, top_k: topK } = scope.request.fields
  const refused = isReasoning(scope) && effort !== 'none'
  if (typeof topK === 'number') notes.add('top_k', 'dropped')
  const sent: Record<string, number> = {}
  if (typeof temperature === 'number') {
    if (refused) notes.add('temperature', 'dropped')
    else sent.temperature = Math.min(Math.max(temperature, 0), 2)
    if (!refused && sent.temperature !== temperature) notes.add('temperature', 'clamped')
  }
  if (typeof topP === 'number') {
    if (refused) notes.add('top_p', 'dropped')
    else sent.top_p = topP
  }
  return sent
}

/** The sequences that the gateway itself looks for in the answer, since the API takes none. */
export function stopSequencesOf(fields: Json): readonly string[] {
  const wanted = fields.stop_sequences
  return Array.isArray(wanted) ? wanted.filter((sequence) => typeof sequence === 'string' && sequence !== '') : []
}

/** A schema for the answer: as `text.format`, or as a message where the model takes none. */
export interface AnswerFormat {
  readonly fields: Json
  readonly prompt: string | null
}

export function answerFormat({ request, target, notes }: Scope): AnswerFormat {
  const { output_config: config, output_format: older } = request.fields
  const format = isJson(config) && isJson(config.format) ? config.format : older
  if (!isJson(format)) return { fields: {}, prompt: null }
  if (format.type !== 'json_schema' || !isJson(format.schema))
    throw refuse('output_config.format', 'only json_schema can be sent to this provider')
  const { $schema: _dialect, ...schema } = format.schema
  if (target.facts.jsonSchema !== false) {
    const sent = { type: 'json_schema', name: 'answer', schema, strict: isStrictSchema(schema) }
    return { fields: { text: { format: sent } }, prompt: null }
  }
  notes.add('output_config.format', 'converted')
  return {
    fields: { text: { format: { type: 'json_object' } } },
    prompt: `Answer with one JSON object and nothing else. It must satisfy this JSON schema:\n${JSON.stringify(schema)}`,
  }
}

/** A hash for the end user; the caller's own value never leaves. */
export function userFields({ request, target, notes }: Scope): Json {
  const { metadata } = request.fields
  const isNamed = isJson(metadata) && typeof metadata.user_id === 'string'
  if (isNamed) notes.add('metadata.user_id', target.userHash === null ? 'dropped' : 'converted')
  return target.userHash === null ? {} : { safety_identifier: target.userHash }
}
