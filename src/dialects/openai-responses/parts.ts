import { type Block, isJson } from '../../core/messages.ts'
import { changedTool, searchResultText, sourceUrl, textOf } from '../shared/blocks.ts'
import { refuse } from '../shared/notes.ts'
import { blockFates } from './fates.ts'
import { noteCacheMark, type Scope } from './scope.ts'

/** A part of an input message, or of a call's output. */
export type Part = Readonly<Record<string, unknown>> & { readonly type: string }
export type TextPart = Part & { readonly type: 'input_text'; readonly text: string }

export const isTextPart = (part: Part): part is TextPart => part.type === 'input_text'

export const inputText = (text: string): TextPart => ({ type: 'input_text', text })

/** A block of a user's turn, or of a tool's result, as parts. `path` names it to the caller. */
export function partsOf(scope: Scope, block: Block, path: string): readonly Part[] {
  noteCacheMark(scope, block)
  switch (block.type) {
    case 'text':
      return textOf(block) === '' ? [] : [inputText(textOf(block))]
    case 'image':
      return [imagePart(scope, block, path)]
    case 'document':
      return documentParts(scope, block, path)
    case 'search_result':
      return [inputText(searchResultText(block))]
    case 'tool_reference':
    case 'tool_addition':
    case 'tool_removal':
      return [inputText(toolChangeText(scope, block))]
    default:
      if (blockFates[block.type]?.fate !== 'dropped')
        throw refuse(path, `${scope.target.provider} takes no "${block.type}" blocks`)
      scope.notes.add(`block:${block.type}`, 'dropped')
      return []
  }
}

function imagePart(scope: Scope, block: Block, path: string): Part {
  if (scope.target.facts.images === false) throw refuse(path, `${scope.target.model} takes no images`)
  const url = sourceUrl(block.source)
  if (url === null) throw refuse(`${path}.source`, 'only images as base64 or URL can be sent to this provider')
  return { type: 'input_image', image_url: url, detail: 'auto' }
}

function documentParts(scope: Scope, block: Block, path: string): readonly Part[] {
  const { source } = block
  if (isJson(block.citations) && block.citations.enabled === true) scope.notes.add('citations', 'dropped')
  if (!isJson(source)) throw refuse(`${path}.source`, 'Field required')
  const title = typeof block.title === 'string' && block.title !== '' ? block.title : null
  const context = typeof block.context === 'string' && block.context !== '' ? block.context : null
  const head = [title, context].filter((line) => line !== null).join('\n')
  if (source.type === 'text' && typeof source.data === 'string')
    return [inputText(head === '' ? source.data : `${head}\n\n${source.data}`)]
  if (source.type === 'content') return contentDocument(scope, source.content, head, path)
  const url = sourceUrl(source)
  if (url === null || scope.target.facts.documents === false)
    throw refuse(`${path}.source`, `${scope.target.model} at ${scope.target.provider} takes no such documents`)
  const file =
    source.type === 'url'
      ? { type: 'input_file', file_url: url }
      : { type: 'input_file', filename: title ?? 'document.pdf', file_data: url }
  return context === null ? [file] : [inputText(context), file]
}

function contentDocument(scope: Scope, content: unknown, head: string, path: string): readonly Part[] {
  if (typeof content === 'string') return [inputText(head === '' ? content : `${head}\n\n${content}`)]
  if (!Array.isArray(content)) throw refuse(`${path}.source.content`, 'Field required')
  const parts = content.flatMap((inner: unknown, index) => {
    const place = `${path}.source.content.${index}`
    if (!isJson(inner) || typeof inner.type !== 'string') throw refuse(`${place}.type`, 'Field required')
    if (inner.type !== 'text' && inner.type !== 'image') throw refuse(place, 'only text and images are possible here')
    return partsOf(scope, inner as Block, place) // its type is a string by the test above
  })
  return head === '' ? parts : [inputText(head), ...parts]
}

/** A tool that came or went in the middle of the conversation; one that came is in the request's tools. */
function toolChangeText(scope: Scope, block: Block): string {
  const { name, definition } = changedTool(block)
  scope.notes.add(`block:${block.type}`, 'converted')
  if (block.type === 'tool_removal') return `The tool ${scope.names.toProvider(name)} is not available any more.`
  if (definition !== null) scope.added.push(definition)
  scope.loaded.add(name)
  return `The tool ${scope.names.toProvider(name)} is available.`
}
