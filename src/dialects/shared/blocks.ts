/** Reading of blocks that becomes text in every dialect. */
import { type Block, isJson } from '../../core/messages.ts'

/** Its suffix changes between conversations and would break the provider's prompt cache; it means nothing to a model. */
const attribution = 'x-anthropic-billing-header:'

export const isAttribution = (text: string): boolean => text.startsWith(attribution)

export const textOf = (block: Block): string => (typeof block.text === 'string' ? block.text : '')

/** Content as an address: its own, or all of it as a data URL. Null for files that live at Anthropic. */
export function sourceUrl(source: unknown): string | null {
  if (!isJson(source)) return null
  if (source.type === 'url' && typeof source.url === 'string') return source.url
  if (source.type === 'base64' && typeof source.data === 'string' && typeof source.media_type === 'string')
    return `data:${source.media_type};base64,${source.data}`
  return null
}

export function searchResultText(block: Block): string {
  const lines = [block.title, block.source].filter((line) => typeof line === 'string' && line !== '')
  const texts = Array.isArray(block.content) ? block.content.map((inner) => (isJson(inner) ? inner.text : '')) : []
  return `${lines.join('\n')}\n\n${texts.join('\n')}`
}

/** The tool that a `tool_reference`, `tool_addition` or `tool_removal` names, and its definition where one is given. */
export function changedTool(block: Block): { readonly name: string; readonly definition: Block | null } {
  if (typeof block.tool_name === 'string') return { name: block.tool_name, definition: null }
  const tool = isJson(block.tool) ? block.tool : {}
  const definition = isJson(tool.definition) ? (tool.definition as Block) : null // read by name only
  const name = definition?.name ?? tool.name ?? tool.server_name ?? block.name
  return { name: typeof name === 'string' ? name : 'unknown', definition }
}

/** What a web search at Anthropic found, for a model that did not make it; null where it found nothing. */
export function webSearchText(block: Block): string | null {
  if (!Array.isArray(block.content)) return null
  const lines = block.content.flatMap((result: unknown) =>
    isJson(result) && typeof result.url === 'string' ? [`${String(result.title ?? '')} ${result.url}`.trim()] : [],
  )
  return lines.length === 0 ? null : `Found on the web:\n${lines.join('\n')}`
}

/** Names of the tools that a search at Anthropic loaded. */
export function foundTools(block: Block): readonly string[] {
  const references = isJson(block.content) ? block.content.tool_references : null
  if (!Array.isArray(references)) return []
  return references.flatMap((reference: unknown) =>
    isJson(reference) && typeof reference.tool_name === 'string' ? [reference.tool_name] : [],
  )
}

/** The text of an assistant turn at the end, which the answer continues; '' where the last turn is another's. */
export function prefillOf(last: { readonly role: string; readonly content: readonly Block[] } | undefined): string {
  if (last?.role !== 'assistant') return ''
  return last.content.map((block) => (block.type === 'text' ? textOf(block) : '')).join('')
}

/** Tools that Anthropic defines, without their dates: what is dropped is told in a bounded set of words. */
const knownTools =
  /^(web_search|web_fetch|code_execution|bash|text_editor|computer|memory|tool_search_tool_regex|tool_search_tool_bm25|mcp_toolset|advisor)(_|$)/

/** The family of a tool that the caller did not define itself; `other` where it is unknown. */
export const toolFamily = (type: unknown): string => knownTools.exec(String(type))?.[1] ?? 'other'
