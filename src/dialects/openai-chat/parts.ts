import { type Block, isJson } from '../../core/messages.ts'
import { changedTool, searchResultText, sourceUrl, textOf } from '../shared/blocks.ts'
import { refuse } from '../shared/notes.ts'
import { blockFates } from './fates.ts'
import type { PartsRole } from './quirks.ts'
import type { Scope } from './scope.ts'

/** A part of a chat message's content. */
export type Part = Readonly<Record<string, unknown>> & { readonly type: string }
export type TextPart = Part & { readonly type: 'text'; readonly text: string }

export const isTextPart = (part: Part): part is TextPart => part.type === 'text'

/** A text part, with its cache mark where the model takes those. */
export function textPart(scope: Scope, text: string, block?: Block): TextPart {
  const mark = block?.cache_control
  if (mark === undefined || mark === null) return { type: 'text', text }
  if (scope.quirks.cacheControl && scope.target.facts.cacheControl === true)
    return { type: 'text', text, cache_control: mark }
  scope.notes.add('cache_control', 'dropped')
  return { type: 'text', text }
}

/** Content as a text where that says the same, as parts where the role takes them, else joined. */
export function contentOf(scope: Scope, role: PartsRole, parts: readonly Part[]): string | readonly Part[] {
  const [first] = parts
  if (first === undefined) return ''
  if (!parts.every(isTextPart)) return parts
  if (parts.length === 1 && first.cache_control === undefined) return first.text as string // all are text parts
  if (scope.quirks.textParts.includes(role)) return parts
  return parts.map(({ text }) => text).join(role === 'assistant' ? '' : '\n\n')
}

/** A block of a user's turn, or of a tool's result, as parts. `path` names it to the caller. */
export function partsOf(scope: Scope, block: Block, path: string): readonly Part[] {
  switch (block.type) {
    case 'text':
      return textOf(block) === '' ? [] : [textPart(scope, textOf(block), block)]
    case 'image':
      return [imagePart(scope, block, path)]
    case 'document':
      return documentParts(scope, block, path)
    case 'search_result':
      return [textPart(scope, searchResultText(block), block)]
    case 'tool_reference':
    case 'tool_addition':
    case 'tool_removal':
      return [textPart(scope, toolChangeText(scope, block), block)]
    default: {
      const row = blockFates[block.type]
      if (row?.fate !== 'dropped') throw refuse(path, `${scope.target.provider} takes no "${block.type}" blocks`)
      scope.notes.add(`block:${block.type}`, 'dropped')
      return []
    }
  }
}

function imagePart(scope: Scope, block: Block, path: string): Part {
  if (scope.target.facts.images === false) throw refuse(path, `${scope.target.model} takes no images`)
  const url = sourceUrl(block.source)
  if (url === null) throw refuse(`${path}.source`, 'only images as base64 or URL can be sent to this provider')
  return { type: 'image_url', image_url: scope.quirks.imageUrl === 'string' ? url : { url } }
}

function documentParts(scope: Scope, block: Block, path: string): readonly Part[] {
  const { source } = block
  if (isJson(block.citations) && block.citations.enabled === true) scope.notes.add('citations', 'dropped')
  if (!isJson(source)) throw refuse(`${path}.source`, 'Field required')
  const title = typeof block.title === 'string' && block.title !== '' ? block.title : null
  const context = typeof block.context === 'string' && block.context !== '' ? block.context : null
  const head = [title, context].filter((line) => line !== null).join('\n')
  if (source.type === 'text' && typeof source.data === 'string')
    return [textPart(scope, head === '' ? source.data : `${head}\n\n${source.data}`, block)]
  if (source.type === 'content') return contentDocument(scope, source.content, head, path)
  const url = sourceUrl(source)
  const { documents, documentUrls } = scope.quirks
  const byUrl = source.type === 'url'
  if (url === null || documents === 'none' || scope.target.facts.documents === false || (byUrl && !documentUrls))
    throw refuse(`${path}.source`, `${scope.target.model} at ${scope.target.provider} takes no such documents`)
  const file =
    documents === 'file'
      ? { type: 'file', file: { filename: title ?? 'document.pdf', file_data: url } }
      : { type: 'document_url', document_url: url, ...(title === null ? {} : { document_name: title }) }
  return context === null ? [file] : [textPart(scope, context), file]
}

function contentDocument(scope: Scope, content: unknown, head: string, path: string): readonly Part[] {
  const headParts = head === '' ? [] : [textPart(scope, head)]
  if (typeof content === 'string') return [textPart(scope, head === '' ? content : `${head}\n\n${content}`)]
  if (!Array.isArray(content)) throw refuse(`${path}.source.content`, 'Field required')
  const parts = content.flatMap((inner: unknown, index) => {
    const place = `${path}.source.content.${index}`
    if (!isJson(inner) || typeof inner.type !== 'string') throw refuse(`${place}.type`, 'Field required')
    if (inner.type !== 'text' && inner.type !== 'image') throw refuse(place, 'only text and images are possible here')
    return partsOf(scope, inner as Block, place) // its type is a string by the test above
  })
  return [...headParts, ...parts]
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
