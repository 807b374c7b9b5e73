import { isJson, type Json } from '../../core/messages.ts'
import { refuse } from '../shared/notes.ts'
import { isStrictSchema } from '../shared/strict-schema.ts'
import type { Scope } from './scope.ts'

/** `max_tokens` under the provider's name, and no more than the model can. */
export function tokenLimit(scope: Scope): Record<string, number> {
  const { request, target, quirks, notes } = scope
  const most = target.facts.maxOutputTokens ?? Infinity
  if (request.maxTokens > most) notes.add('max_tokens', 'clamped')
  const limit = Math.min(request.maxTokens, most)
  // A model nothing is known of is taken for one of the newest.
  const name =
    quirks.tokenLimit !== 'by-model'
      ? quirks.tokenLimit
      : target.facts.reasoning === false
        ? 'max_tokens'
        : 'max_completion_tokens'
  return { [name]: limit }
}

/** `temperature`, `top_p` and `top_k`, where the model takes them. */
export function sampling(scope: Scope, effort: string | null): Record<string, number> {
  const { quirks, target, notes } = scope
  const { temperature, top_p: topP, top_k: topK } = scope.request.fields
  const refused = quirks.samplingRefused && target.facts.reasoning !== false && effort !== 'none'
  const sent: Record<string, number> = {}
  if (typeof temperature === 'number') {
    if (refused) notes.add('temperature', 'dropped')
    else sent.temperature = Math.min(Math.max(temperature, 0), quirks.temperatureMax)
    if (!refused && sent.temperature !== temperature) notes.add('temperature', 'clamped')
  }
  if (typeof topP === 'number') {
    if (refused) notes.add('top_p', 'dropped')
    else sent.top_p = topP
  }
  if (typeof topK === 'number') {
    if (quirks.topK) sent.top_k = topK
    else notes.add('top_k', 'dropped')
  }
  return sent
}

/** `stop`. A sequence left out would change the answer, so too many are refused. */
export function stopSequences({ request, target, quirks }: Scope): Record<string, unknown> {
  const wanted = request.fields.stop_sequences
  if (!Array.isArray(wanted) || wanted.length === 0) return {}
  const most = target.facts.stopSequences ?? quirks.stopSequences
  if (wanted.length > most)
    throw refuse('stop_sequences', `${target.model} at ${target.provider} takes at most ${most}`)
  return { stop: wanted }
}

/** A schema for the answer: as `response_format`, or as text for the system prompt where the model takes none. */
export interface AnswerFormat {
  readonly fields: Record<string, unknown>
  readonly prompt: string | null
}

export function answerFormat({ request, target, quirks, notes }: Scope): AnswerFormat {
  const { output_config: config, output_format: older } = request.fields
  const format = isJson(config) && isJson(config.format) ? config.format : older
  if (!isJson(format)) return { fields: {}, prompt: null }
  if (format.type !== 'json_schema' || !isJson(format.schema))
    throw refuse('output_config.format', 'only json_schema can be sent to this provider')
  const { $schema: _dialect, ...schema } = format.schema
  if (quirks.jsonSchema && target.facts.jsonSchema !== false) {
    const strict = isStrictSchema(schema) ? { strict: true } : {}
    return {
      fields: { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, ...strict } } },
      prompt: null,
    }
  }
  notes.add('output_config.format', 'converted')
  return {
    fields: { response_format: { type: 'json_object' } },
    prompt: `Answer with one JSON object and nothing else. It must satisfy this JSON schema:\n${JSON.stringify(schema)}`,
  }
}

/** A hash for the end user where the provider has a field for one; the caller's own value never leaves. */
export function userFields({ request, target, quirks, notes }: Scope): Record<string, string> {
  const { metadata } = request.fields
  const named = isJson(metadata) && typeof metadata.user_id === 'string'
  if (quirks.userField === null || target.userHash === null) {
    if (named) notes.add('metadata.user_id', 'dropped')
    return {}
  }
  if (named) notes.add('metadata.user_id', 'converted')
  return { [quirks.userField]: target.userHash }
}

/** Counts come with a stream only where they are asked for. */
export const streaming = ({ request, quirks }: Scope): Json =>
  request.stream ? { stream: true, ...(quirks.streamOptions && { stream_options: { include_usage: true } }) } : {}
