import { isJson, type Json } from '../core/messages.ts'
import { withoutDirectives } from './directives.ts'
import type { Message } from './messages-request.ts'

/** What a conversation asks of the next answer. */
export interface Ask {
  /** The user's own words of the current turn, without reminders and directives. */
  readonly prompt: string
  /** Tool uses of the assistant since that prompt: how far the agent loop has come. */
  readonly toolUses: number
  /** The texts of the tool results in the last message; undefined when it has none. */
  readonly results: readonly string[] | undefined
  readonly images: number
}

/** Text of the last user message where directives are read: its text blocks, not its tool results. */
export function lastUserText(messages: readonly Message[]): string {
  const last = messages.findLast((message) => message.role === 'user')
  return last === undefined ? '' : textOf(last.blocks)
}

export function readAsk(messages: readonly Message[]): Ask {
  const promptAt = messages.findLastIndex(isPrompt)
  const since = messages.slice(promptAt + 1)
  const toolUses = since.reduce((sum, message) => sum + message.blocks.filter(isToolUse).length, 0)
  const last = messages.findLast((message) => message.role === 'user')
  const results = last?.blocks.filter((block) => block.type === 'tool_result').map(resultText)
  const images = messages.reduce((sum, message) => sum + message.blocks.filter((b) => b.type === 'image').length, 0)
  const prompt = messages[promptAt]
  return {
    prompt: prompt === undefined ? '' : ownWords(prompt),
    toolUses,
    results: results === undefined || results.length === 0 ? undefined : results,
    images,
  }
}

/** The commands of a prompt: one `run: …` a line, carried out one tool call after the other. */
export function commandsOf(prompt: string): string[] {
  return [...prompt.matchAll(/^\s*run:\s*(.+)$/gim)].map((match) => (match[1] ?? '').trim())
}

function isPrompt(message: Message): boolean {
  if (message.role !== 'user') return false
  return !message.blocks.some((block) => block.type === 'tool_result') && ownWords(message) !== ''
}

const isToolUse = (block: Json): boolean => block.type === 'tool_use'

/** Agents put context of their own into the user's message; it is not what the user asked. */
function ownWords(message: Message): string {
  return withoutDirectives(textOf(message.blocks).replaceAll(/<system-reminder>[\s\S]*?<\/system-reminder>/g, ''))
}

function textOf(blocks: readonly Json[]): string {
  return blocks.flatMap((block) => (block.type === 'text' ? [String(block.text)] : [])).join('\n')
}

function resultText(block: Json): string {
  if (typeof block.content === 'string') return block.content
  if (!Array.isArray(block.content)) return ''
  return textOf(block.content.filter(isJson))
}
