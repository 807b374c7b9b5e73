import { type Block, blocksOf } from '../../core/messages.ts'
import { refuse } from '../shared/notes.ts'
import { inputText, isTextPart, type Part, partsOf } from './parts.ts'
import { noteCacheMark, type Scope } from './scope.ts'

/** A result as a call's output: one text where it holds nothing else, else the parts in their order. */
export function toOutput(scope: Scope, block: Block, path: string): string | readonly Part[] {
  noteCacheMark(scope, block)
  const { content } = block
  const parts =
    content === undefined || content === null
      ? []
      : blocksOf(content, `${path}.content`).flatMap((inner, at) => resultParts(scope, inner, `${path}.content.${at}`))
  const mark = block.is_error === true ? 'Error: ' : ''
  if (parts.every(isTextPart)) return mark + parts.map(({ text }) => text).join('\n')
  const [first, ...rest] = parts
  if (mark === '' || first === undefined) return parts
  return isTextPart(first) ? [inputText(mark + first.text), ...rest] : [inputText(mark.trim()), ...parts]
}

function resultParts(scope: Scope, inner: Block, path: string): readonly Part[] {
  // An empty text is a line of the result, too.
  if (inner.type === 'text' && inner.text === '') return [inputText('')]
  if (inner.type === 'tool_use' || inner.type === 'tool_result' || inner.type === 'thinking')
    throw refuse(path, `"${inner.type}" cannot be in a tool's result`)
  return partsOf(scope, inner, path)
}
