import type { TranslatedRequest, TranslationTarget } from '../../core/dialect.ts'
import { type Block, isJson, type Json, type MessagesRequest, type RequestMessage } from '../../core/messages.ts'
import { isAttribution, textOf } from '../shared/blocks.ts'
import { Notes, refuse } from '../shared/notes.ts'
import { type Scope, toBlock } from './blocks.ts'
import { fieldFates } from './fates.ts'
import type { MessagesQuirks } from './quirks.ts'
import { toolFields } from './tools.ts'

/** The request as another provider's Messages API takes it: the same words, without what is Anthropic's or the caller's. */
export function toUpstream(
  request: MessagesRequest,
  target: TranslationTarget,
  quirks: MessagesQuirks,
): TranslatedRequest {
  const scope: Scope = { target, quirks, notes: new Notes(), loaded: new Set(), added: [] }
  const kept = keptFields(scope, request)
  // The conversation comes first: it tells which tools are loaded.
  const messages = toMessages(scope, request)
  const system = systemBlocks(scope, request.system)
  const body = {
    model: target.model,
    ...(system.length > 0 && { system }),
    messages,
    ...kept,
    ...toolFields(scope, request),
    ...thinking(scope, request),
    ...answerConfig(scope, request),
    ...userFields(scope, request),
    max_tokens: tokenLimit(scope, request.maxTokens),
    stream: request.stream,
  }
  return { path: quirks.path, body: JSON.stringify(body), notes: scope.notes.all, toolNames: new Map() }
}

/** Claude's way to tell a model something that the user did not say. */
const reminder = (text: string): string => `<system-reminder>\n${text}\n</system-reminder>`

/** Those are written by a function of their own. */
const written = new Set([
  ...['model', 'messages', 'system', 'tools', 'tool_choice', 'max_tokens', 'stream', 'thinking'],
  ...['output_config', 'output_format', 'metadata'],
])

function keptFields({ quirks, target, notes }: Scope, { fields }: MessagesRequest): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined || value === null || written.has(field)) continue
    const fate = fieldFates[field]?.fate
    if (fate === 'refused') throw refuse(field, `${target.provider} has nothing that could stand for it`)
    if (fate === 'carried' && quirks.fields.has(field)) kept[field] = value
    else notes.add(fate === undefined ? 'other_field' : field, 'dropped')
  }
  return kept
}

function systemBlocks(scope: Scope, blocks: readonly Block[]): readonly Json[] {
  return blocks.flatMap((block, index) => {
    if (block.type === 'text' && isAttribution(textOf(block))) {
      scope.notes.add('system:attribution', 'dropped')
      return []
    }
    const kept = toBlock(scope, block, `system.${index}`)
    return kept === null ? [] : [kept]
  })
}

function toMessages(scope: Scope, request: MessagesRequest): readonly Json[] {
  const turns: { role: string; content: readonly Json[] }[] = []
  const { messages } = request
  for (let index = Math.max(0, lastCompaction(messages)); index < messages.length; index++) {
    const { role, content } = messages[index] as RequestMessage // in range by the loop's bound
    const blocks = content.flatMap((block, at) => {
      const kept = toBlock(scope, block, `messages.${index}.content.${at}`)
      return kept === null ? [] : [kept]
    })
    // A turn of which nothing remains (thinking of another model) would be refused as empty.
    if (blocks.length === 0) continue
    if (role !== 'system') {
      turns.push({ role, content: blocks })
      continue
    }
    scope.notes.add('system:in_place', 'converted')
    turns.push({
      role: 'user',
      content: blocks.map((block) => ({ ...block, text: reminder(String(block.text ?? '')) })),
    })
  }
  return turns
}

/** What came before a compaction is in its summary. */
const lastCompaction = (turns: readonly RequestMessage[]): number =>
  turns.findLastIndex(({ content }) => content.some(({ type }) => type === 'compaction'))

function tokenLimit({ target, notes }: Scope, wanted: number): number {
  const most = target.facts.maxOutputTokens ?? Infinity
  if (wanted > most) notes.add('max_tokens', 'clamped')
  return Math.min(wanted, most)
}

/** Where thinking was left to the model, and the provider wants a number: room for it, and for the answer. */
const adaptiveBudget = 8_192

function thinking(scope: Scope, { fields, maxTokens }: MessagesRequest): Record<string, unknown> {
  const wanted = fields.thinking
  if (!isJson(wanted)) return {}
  if (wanted.type !== 'adaptive' || scope.quirks.adaptiveThinking) return { thinking: wanted }
  scope.notes.add('thinking', 'converted')
  const budget = Math.min(adaptiveBudget, tokenLimit(scope, maxTokens) - 1)
  return budget < 1024 ? {} : { thinking: { type: 'enabled', budget_tokens: budget } }
}

function answerConfig(scope: Scope, { fields }: MessagesRequest): Record<string, unknown> {
  const config = isJson(fields.output_config) ? fields.output_config : {}
  const format = isJson(fields.output_format) ? { format: fields.output_format } : {}
  const whole = { ...format, ...config }
  if (Object.keys(whole).length === 0) return {}
  if (scope.quirks.fields.has('output_config')) return { output_config: whole }
  scope.notes.add('output_config', 'dropped')
  return {}
}

/** A hash for the end user where the provider has a field for one; the caller's own value never leaves. */
function userFields({ quirks, target, notes }: Scope, { fields }: MessagesRequest): Record<string, unknown> {
  const named = isJson(fields.metadata) && typeof fields.metadata.user_id === 'string'
  if (!quirks.userId || target.userHash === null) {
    if (named) notes.add('metadata.user_id', 'dropped')
    return {}
  }
  if (named) notes.add('metadata.user_id', 'converted')
  return { metadata: { user_id: target.userHash } }
}

/** Whether the provider's Messages path can say all of the request that changes its meaning. */
export function canCarry(request: MessagesRequest, quirks: MessagesQuirks): boolean {
  const { tool_choice: choice, output_config: config, output_format: format } = request.fields
  const forces = isJson(choice) && (choice.type === 'any' || choice.type === 'tool' || choice.type === 'none')
  if (forces && request.tools.length > 0 && !quirks.fields.has('tool_choice')) return false
  const hasSchema = isJson(format) || (isJson(config) && isJson(config.format))
  return !hasSchema || quirks.fields.has('output_config')
}
