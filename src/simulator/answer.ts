import { isJson, type Json } from '../core/messages.ts'
import { type Ask, commandsOf } from './conversation.ts'
import type { Directives } from './directives.ts'
import { invalidRequest } from './failures.ts'
import type { MessagesRequest } from './messages-request.ts'
import { prose } from './prose.ts'
import type { LogNormal, Random } from './random.ts'
import { schemaValue } from './schema-value.ts'
import { signThinking } from './signature.ts'
import { textTokens } from './tokens.ts'

export type AnswerBlock =
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string; readonly hiddenTokens: number }
  | { readonly type: 'redacted_thinking'; readonly data: string; readonly hiddenTokens: number }
  | { readonly type: 'text'; readonly text: string; readonly whole: boolean }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: Json }
  | { readonly type: 'future_block'; readonly content: string }

const usualThinkingTokens: LogNormal = { median: 60, sigma: 0.6 }
const quotedCharacters = 2_000

/**
 * Decides what is answered, before any limit cuts it: thinking if asked for, then tool calls, a structured value, or
 * text. Prompts may command: `run: <command>` lines are carried out with the offered shell tool, `say: <text>` is said.
 * @throws ApiFailure where a directive asks for a tool that is not offered.
 */
export function composeAnswer(
  request: MessagesRequest,
  ask: Ask,
  directives: Directives,
  random: Random,
  lengths: LogNormal,
): AnswerBlock[] {
  const blocks: AnswerBlock[] = []
  if (directives['unknown-block'] === true) blocks.push({ type: 'future_block', content: prose(random, 12) })
  const thinking = thinkingBlock(request, directives, random)
  if (thinking !== undefined) blocks.push(thinking)
  const calls = toolCalls(request, ask, directives, random)
  if (calls.length > 0) {
    if (random.chance(0.5)) blocks.push({ type: 'text', text: introduction(calls), whole: false })
    blocks.push(...calls)
    return blocks
  }
  blocks.push({ type: 'text', ...finalText(request, ask, directives, random, lengths) })
  return blocks
}

function thinkingBlock(request: MessagesRequest, directives: Directives, random: Random): AnswerBlock | undefined {
  const wanted = directives.thinking ?? (request.thinking.on ? 'on' : 'off')
  if (wanted === 'off') return undefined
  const budget = request.thinking.budget ?? Number.POSITIVE_INFINITY
  const tokens = Math.max(8, Math.min(budget, Math.round(random.logNormal(usualThinkingTokens))))
  const text = prose(random, tokens)
  if (wanted === 'redacted') return { type: 'redacted_thinking', data: random.base58(160), hiddenTokens: tokens }
  // Omitted thinking still costs its tokens; only its text stays away.
  if (request.thinking.display === 'omitted')
    return { type: 'thinking', thinking: '', signature: signThinking('', random), hiddenTokens: textTokens(text) }
  return { type: 'thinking', thinking: text, signature: signThinking(text, random), hiddenTokens: 0 }
}

type ToolUse = Extract<AnswerBlock, { type: 'tool_use' }>

function toolCalls(request: MessagesRequest, ask: Ask, directives: Directives, random: Random): ToolUse[] {
  const call = (tool: Json, input: Json): ToolUse => ({
    type: 'tool_use',
    id: `toolu_01${random.base58(22)}`,
    name: String(tool.name),
    input,
  })
  const invented = (tool: Json): Json => {
    const value = schemaValue(tool.input_schema, random)
    return isJson(value) ? value : {}
  }
  const copies = Math.max(1, Math.round(directives.parallel ?? 1))
  const repeat = (tool: Json, input?: Json): ToolUse[] =>
    Array.from({ length: copies }, () => call(tool, input ?? invented(tool)))

  if (directives.tool !== undefined) {
    const tool = request.tools.find(({ name }) => name === directives.tool)
    if (tool === undefined) throw invalidRequest(`x-simulate: no tool '${directives.tool}' is offered`)
    return repeat(tool, directives.input === undefined ? undefined : readInput(directives.input))
  }
  const choice = request.toolChoice?.type
  const callable = request.tools.filter((tool) => typeof tool.name === 'string' && isJson(tool.input_schema))
  if (choice === 'none' || callable.length === 0) return []
  const command = commandsOf(ask.prompt)[ask.toolUses]
  const shell = callable.find(hasCommand)
  if (command !== undefined && shell !== undefined && choice !== 'tool')
    return repeat(shell, { command, ...described(shell, command) })
  if (choice === 'tool') {
    const tool = callable.find(({ name }) => name === request.toolChoice?.name)
    if (tool === undefined)
      throw invalidRequest(`Tool '${String(request.toolChoice?.name)}' not found in provided tools`)
    return repeat(tool)
  }
  const [first] = callable
  return choice === 'any' && first !== undefined ? repeat(first) : []
}

function hasCommand(tool: Json): boolean {
  return isJson(tool.input_schema) && isJson(tool.input_schema.properties) && 'command' in tool.input_schema.properties
}

/** Claude Code's Bash tool has a description beside its command; models fill it in. */
function described(tool: Json, command: string): Json {
  const properties =
    isJson(tool.input_schema) && isJson(tool.input_schema.properties) ? tool.input_schema.properties : {}
  return 'description' in properties ? { description: `Run ${command.slice(0, 60)}` } : {}
}

function readInput(text: string): Json {
  try {
    const value: unknown = JSON.parse(text)
    if (isJson(value)) return value
  } catch {
    // falls through to the refusal below
  }
  throw invalidRequest("x-simulate: 'input' wants a JSON object")
}

function introduction(calls: readonly ToolUse[]): string {
  return calls.length === 1 ? `I'll use ${calls[0]?.name}.` : `I'll use ${calls.length} tools at once.`
}

/** `whole`: send it in one delta. */
function finalText(
  request: MessagesRequest,
  ask: Ask,
  directives: Directives,
  random: Random,
  lengths: LogNormal,
): { text: string; whole: boolean } {
  if (directives.huge !== undefined) return { text: hugeText(directives.huge, random), whole: true }
  if (directives.text !== undefined) return { text: directives.text, whole: false }
  if (request.outputSchema !== undefined)
    return { text: JSON.stringify(schemaValue(request.outputSchema, random)), whole: false }
  const said = /^\s*say:\s*([\s\S]+)$/i.exec(ask.prompt)?.[1]
  if (said !== undefined) return { text: said.trim(), whole: false }
  if (ask.results !== undefined && commandsOf(ask.prompt).length > 0) {
    const quoted = ask.results.map((result) => result.slice(0, quotedCharacters)).join('\n')
    return { text: `The command printed:\n\n${quoted}`, whole: false }
  }
  const tokens = Math.max(1, Math.round(directives['output-tokens'] ?? random.logNormal(lengths)))
  const seen = ask.images > 0 ? `I see ${ask.images} image${ask.images === 1 ? '' : 's'}. ` : ''
  return { text: seen + prose(random, tokens), whole: false }
}

function hugeText(bytes: number, random: Random): string {
  const pattern = prose(random, 256)
  return pattern.repeat(Math.ceil(bytes / pattern.length)).slice(0, bytes)
}
