import { isJson, type Json } from '../../core/messages.ts'
import { refuse } from '../shared/notes.ts'
import { toGeminiSchema } from './schema.ts'
import type { Scope } from './scope.ts'
import { thinkingConfig } from './thinking-config.ts'

/** Most stop sequences that Gemini takes (Gemini API reference, `GenerationConfig`). */
const stopLimit = 5
const temperatureMax = 2

/** A schema for the answer: as fields, or as text for the system prompt where the model takes none. */
export interface AnswerFormat {
  readonly fields: Record<string, unknown>
  readonly prompt: string | null
}

export function generationConfig(scope: Scope, format: AnswerFormat): Record<string, unknown> {
  const { request, target, notes } = scope
  const most = target.facts.maxOutputTokens ?? Infinity
  if (request.maxTokens > most) notes.add('max_tokens', 'clamped')
  return {
    maxOutputTokens: Math.min(request.maxTokens, most),
    ...sampling(scope),
    ...stopSequences(scope),
    ...format.fields,
    ...thinkingConfig(scope),
  }
}

function sampling({ request, notes }: Scope): Record<string, number> {
  const { temperature, top_p: topP, top_k: topK } = request.fields
  const sent: Record<string, number> = {}
  if (typeof temperature === 'number') {
    sent.temperature = Math.min(Math.max(temperature, 0), temperatureMax)
    if (sent.temperature !== temperature) notes.add('temperature', 'clamped')
  }
  if (typeof topP === 'number') sent.topP = topP
  if (typeof topK === 'number') sent.topK = topK
  return sent
}

/** A sequence left out would change the answer, so too many are refused. */
function stopSequences({ request, target }: Scope): Record<string, unknown> {
  const wanted = request.fields.stop_sequences
  if (!Array.isArray(wanted) || wanted.length === 0) return {}
  const most = target.facts.stopSequences ?? stopLimit
  if (wanted.length > most)
    throw refuse('stop_sequences', `${target.model} at ${target.provider} takes at most ${most}`)
  return { stopSequences: wanted }
}

export function answerFormat(scope: Scope, hasTools: boolean): AnswerFormat {
  const { request, target, notes } = scope
  const { output_config: config, output_format: older } = request.fields
  const format = isJson(config) && isJson(config.format) ? config.format : older
  if (!isJson(format)) return { fields: {}, prompt: null }
  if (format.type !== 'json_schema' || !isJson(format.schema))
    throw refuse('output_config.format', 'only json_schema can be sent to this provider')
  // Before Gemini 3 an answer has a schema or tools, not both.
  const isTaken = target.facts.jsonSchema !== false && (scope.isGeneration3 || !hasTools)
  if (!isTaken) {
    notes.add('output_config.format', 'converted')
    return { fields: {}, prompt: schemaPrompt(format.schema) }
  }
  // Values are not converted back in the answer's text, so enums that are no strings become plain types.
  const responseSchema = toGeminiSchema(format.schema, { notes, enums: 'types', steps: scope.schemaSteps })
  return { fields: { responseMimeType: 'application/json', responseSchema }, prompt: null }
}

function schemaPrompt({ $schema: _dialect, ...schema }: Json): string {
  return `Answer with one JSON object and nothing else. It must satisfy this JSON schema:\n${JSON.stringify(schema)}`
}
