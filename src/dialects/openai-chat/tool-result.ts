import { type Block, blocksOf, isJson } from '../../core/messages.ts'
import { refuse } from '../shared/notes.ts'
import { isTextPart, type Part, partsOf, textPart } from './parts.ts'
import type { Scope } from './scope.ts'
import { callIdFor } from './scope.ts'

/** A tool's result as a tool message can hold it, and what it cannot hold. */
export interface ResultText {
  readonly text: string
  readonly attachments: readonly Part[]
}

/** Content as text, array, empty or absent. */
export function toResult(scope: Scope, block: Block, path: string): ResultText {
  const { content } = block
  if (block.cache_control !== undefined && block.cache_control !== null) scope.notes.add('cache_control', 'dropped')
  // Texts alone need no parts: they are most of what a conversation holds.
  const parts =
    content === undefined || content === null
      ? []
      : blocksOf(content, `${path}.content`).flatMap((inner, index) =>
          resultParts(scope, inner, `${path}.content.${index}`),
        )
  const texts = parts.filter(isTextPart).map(({ text }) => text)
  const others = parts.filter((part) => !isTextPart(part))
  const text = texts.join('\n')
  const attachments =
    others.length === 0
      ? []
      : [
          textPart(scope, `Files of the result of tool call ${callIdFor(scope.quirks, String(block.tool_use_id))}:`),
          ...others,
        ]
  if (others.length > 0) scope.notes.add('tool_result:attachment', 'converted')
  return { text: block.is_error === true ? `Error: ${text}` : text, attachments }
}

function resultParts(scope: Scope, inner: Block, path: string): readonly Part[] {
  if (inner.type === 'text' && typeof inner.text === 'string') {
    if (isJson(inner.cache_control)) scope.notes.add('cache_control', 'dropped')
    return [{ type: 'text', text: inner.text }]
  }
  if (inner.type === 'tool_use' || inner.type === 'tool_result' || inner.type === 'thinking')
    throw refuse(path, `"${inner.type}" cannot be in a tool's result`)
  return partsOf(scope, inner, path)
}
