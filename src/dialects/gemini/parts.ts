import { type Block, isJson } from '../../core/messages.ts'
import { changedTool, searchResultText, textOf } from '../shared/blocks.ts'
import { refuse } from '../shared/notes.ts'
import { blockFates } from './fates.ts'
import type { Part, Scope } from './scope.ts'

/** A block of a user's turn, or of a tool's result, as parts. `path` names it to the caller. */
export function partsOf(scope: Scope, block: Block, path: string): readonly Part[] {
  noteCacheMark(scope, block)
  switch (block.type) {
    case 'text':
      return textOf(block) === '' ? [] : [{ text: textOf(block) }]
    case 'image':
      return [imagePart(scope, block, path)]
    case 'document':
      return documentParts(scope, block, path)
    case 'search_result':
      return [{ text: searchResultText(block) }]
    case 'tool_reference':
    case 'tool_addition':
    case 'tool_removal':
      return [{ text: toolChangeText(scope, block) }]
    default: {
      if (blockFates[block.type]?.fate !== 'dropped')
        throw refuse(path, `${scope.target.provider} takes no "${block.type}" blocks`)
      scope.notes.add(`block:${block.type}`, 'dropped')
      return []
    }
  }
}

export const isTextPart = (part: Part): part is Part & { readonly text: string } => typeof part.text === 'string'

/** Caching is the provider's own. */
export function noteCacheMark(scope: Scope, block: Block): void {
  if (block.cache_control !== undefined && block.cache_control !== null) scope.notes.add('cache_control', 'dropped')
}

const typesByEnding: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  heic: 'image/heic',
  heif: 'image/heif',
}

function imagePart(scope: Scope, block: Block, path: string): Part {
  if (scope.target.facts.images === false) throw refuse(path, `${scope.target.model} takes no images`)
  const { source } = block
  const data = inlineData(source)
  if (data !== null) return data
  if (isJson(source) && source.type === 'url' && typeof source.url === 'string') {
    // Gemini reads the address; the gateway never fetches one.
    if (!/^(https?|gs):\/\//i.test(source.url)) throw refuse(`${path}.source.url`, 'only https addresses can be read')
    const mimeType = typesByEnding[/\.(\w+)(?:[?#]|$)/.exec(source.url.toLowerCase())?.[1] ?? '']
    return { fileData: { ...(mimeType !== undefined && { mimeType }), fileUri: source.url } }
  }
  throw refuse(`${path}.source`, 'only images as base64 or URL can be sent to this provider')
}

function inlineData(source: unknown): Part | null {
  if (!isJson(source) || source.type !== 'base64') return null
  if (typeof source.data !== 'string' || typeof source.media_type !== 'string') return null
  return { inlineData: { mimeType: source.media_type, data: source.data } }
}

function documentParts(scope: Scope, block: Block, path: string): readonly Part[] {
  const { source } = block
  if (isJson(block.citations) && block.citations.enabled === true) scope.notes.add('citations', 'dropped')
  if (!isJson(source)) throw refuse(`${path}.source`, 'Field required')
  const head = [block.title, block.context].filter((line) => typeof line === 'string' && line !== '').join('\n')
  const headed = (text: string): Part => ({ text: head === '' ? text : `${head}\n\n${text}` })
  if (source.type === 'text' && typeof source.data === 'string') return [headed(source.data)]
  const headParts = head === '' ? [] : [{ text: head }]
  if (source.type === 'content') {
    if (typeof source.content === 'string') return [headed(source.content)]
    return [...headParts, ...contentParts(scope, source.content, `${path}.source.content`)]
  }
  const data = inlineData(source)
  if (data === null || scope.target.facts.documents === false)
    throw refuse(`${path}.source`, `${scope.target.model} at ${scope.target.provider} takes no such documents`)
  return [...headParts, data]
}

function contentParts(scope: Scope, content: unknown, path: string): readonly Part[] {
  if (!Array.isArray(content)) throw refuse(path, 'Field required')
  return content.flatMap((inner: unknown, index) => {
    if (!isJson(inner) || (inner.type !== 'text' && inner.type !== 'image'))
      throw refuse(`${path}.${index}`, 'only text and images are possible here')
    return partsOf(scope, { ...inner, type: inner.type }, `${path}.${index}`)
  })
}

/** A tool that came or went in the middle of the conversation; one that came is in the request's tools. */
function toolChangeText(scope: Scope, block: Block): string {
  const { name, definition } = changedTool(block)
  scope.notes.add(`block:${block.type}`, 'converted')
  if (definition !== null) scope.added.push(definition)
  if (block.type === 'tool_removal') return `The tool ${scope.names.toProvider(name)} is not available any more.`
  scope.loaded.add(name)
  return `The tool ${scope.names.toProvider(name)} is available.`
}
