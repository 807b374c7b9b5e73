import type { TranslationTarget } from '../../core/dialect.ts'
import { type Block, isJson, type Json } from '../../core/messages.ts'
import { changedTool, foundTools, searchResultText, webSearchText } from '../shared/blocks.ts'
import { type Notes, refuse } from '../shared/notes.ts'
import { unpackState } from '../shared/provider-state.ts'
import { blockFates } from './fates.ts'
import type { MessagesQuirks } from './quirks.ts'

/** What all parts of one request's translation share. */
export interface Scope {
  readonly target: TranslationTarget
  readonly quirks: MessagesQuirks
  readonly notes: Notes
  /** Names of deferred tools that the conversation loaded, and definitions that came in its middle. */
  readonly loaded: Set<string>
  readonly added: Json[]
}

/** The provider's own thinking, as it comes back in a signature. */
export interface ThinkingState extends Json {
  readonly text?: string
  readonly signature?: string
}

/** A block as the provider takes it; null where nothing of it goes. `path` names the place to the caller. */
export function toBlock(scope: Scope, block: Block, path: string): Json | null {
  switch (block.type) {
    case 'text':
      return withoutMarks(scope, block, ['citations'])
    case 'tool_use':
      scope.loaded.add(String(block.name))
      return withoutMarks(scope, block, ['caller'])
    case 'tool_result':
      return toResult(scope, block, path)
    case 'image':
      return toImage(scope, block, path)
    case 'document':
      return toDocument(scope, block, path)
    case 'thinking':
      return toThinking(scope, block)
    case 'search_result':
      return asText(scope, block, searchResultText(block))
    case 'tool_reference':
    case 'tool_addition':
    case 'tool_removal':
      return toToolChange(scope, block)
    case 'compaction':
      return typeof block.content === 'string' && block.content !== '' ? asText(scope, block, block.content) : null
    case 'web_search_tool_result': {
      const text = webSearchText(block)
      if (text !== null) return asText(scope, block, text)
      scope.notes.add(`block:${block.type}`, 'dropped')
      return null
    }
    case 'tool_search_tool_result':
      for (const name of foundTools(block)) scope.loaded.add(name)
      scope.notes.add(`block:${block.type}`, 'dropped')
      return null
    default:
      if (blockFates[block.type]?.fate !== 'dropped')
        throw refuse(path, `${scope.target.provider} takes no "${block.type}" blocks`)
      scope.notes.add(`block:${block.type}`, 'dropped')
      return null
  }
}

/** The block without what only Anthropic knows, and without its cache mark where those are refused. */
function withoutMarks(scope: Scope, block: Block, foreign: readonly string[]): Json {
  const { cache_control: mark, ...rest } = block
  const hasForeign = foreign.some((name) => rest[name] !== undefined)
  const kept: Json = hasForeign
    ? Object.fromEntries(Object.entries(rest).filter(([name]) => !foreign.includes(name)))
    : rest
  if (mark === undefined || mark === null) return kept
  if (takesCacheMarks(scope)) return { ...kept, cache_control: mark }
  scope.notes.add('cache_control', 'dropped')
  return kept
}

export const takesCacheMarks = ({ quirks, target }: Scope): boolean =>
  quirks.cacheControl === 'always' || (quirks.cacheControl === 'by-model' && target.facts.cacheControl === true)

function asText(scope: Scope, block: Block, text: string): Json {
  scope.notes.add(`block:${block.type}`, 'converted')
  return { type: 'text', text }
}

function toResult(scope: Scope, block: Block, path: string): Json {
  const { content } = block
  if (!Array.isArray(content)) return withoutMarks(scope, block, [])
  const inner = content.flatMap((one: unknown, index): readonly Json[] => {
    if (!isJson(one) || typeof one.type !== 'string') throw refuse(`${path}.content.${index}.type`, 'Field required')
    const kept = toBlock(scope, one as Block, `${path}.content.${index}`) // its type is a string by the test above
    return kept === null ? [] : [kept]
  })
  return withoutMarks(scope, { ...block, content: inner }, [])
}

function toImage(scope: Scope, block: Block, path: string): Json {
  const { target, quirks } = scope
  if (target.facts.images === false) throw refuse(path, `${target.model} takes no images`)
  const type = isJson(block.source) ? block.source.type : undefined
  if (type !== 'base64' && !(type === 'url' && quirks.imageUrls))
    throw refuse(`${path}.source`, `${target.provider} takes images as base64${quirks.imageUrls ? ' or URL' : ''} only`)
  return withoutMarks(scope, block, [])
}

function toDocument(scope: Scope, block: Block, path: string): Json {
  const { source } = block
  if (isJson(source) && source.type === 'text' && typeof source.data === 'string') {
    const head = [block.title, block.context].filter((line) => typeof line === 'string' && line !== '').join('\n')
    return asText(scope, block, head === '' ? source.data : `${head}\n\n${source.data}`)
  }
  const isFile = isJson(source) && source.type === 'file'
  if (isFile || !scope.quirks.documents || scope.target.facts.documents === false)
    throw refuse(`${path}.source`, `${scope.target.model} at ${scope.target.provider} takes no such documents`)
  return withoutMarks(scope, block, [])
}

/** Its own thinking goes back with its own signature; another model's says nothing to this one. */
function toThinking(scope: Scope, block: Block): Json | null {
  const state = unpackState(scope.target.provider, block.signature)
  if (!isJson(state)) {
    scope.notes.add('block:thinking', 'dropped')
    return null
  }
  const text = typeof state.text === 'string' ? state.text : String(block.thinking ?? '')
  return { type: 'thinking', thinking: text, signature: typeof state.signature === 'string' ? state.signature : '' }
}

function toToolChange(scope: Scope, block: Block): Json {
  const { name, definition } = changedTool(block)
  if (definition !== null) scope.added.push(definition)
  if (block.type === 'tool_removal') return asText(scope, block, `The tool ${name} is not available any more.`)
  scope.loaded.add(name)
  return asText(scope, block, `The tool ${name} is available.`)
}
