import { type Block, blocksOf } from '../../core/messages.ts'
import { refuse } from '../shared/notes.ts'
import { isTextPart, noteCacheMark, partsOf } from './parts.ts'
import type { Part, Scope } from './scope.ts'

/** A tool's result as a `functionResponse`, and what that cannot hold. */
export interface ToolResult {
  readonly part: Part
  readonly attachments: readonly Part[]
}

/** `output` and `error` are the keys that Gemini reads (Gemini API reference, `FunctionResponse.response`). */
export function toResult(scope: Scope, block: Block, call: { id: string; name: string }, path: string): ToolResult {
  noteCacheMark(scope, block)
  const parts = contentParts(scope, block, path)
  const text = parts
    .filter(isTextPart)
    .map((part) => part.text)
    .join('\n')
  const files = parts.filter((part) => !isTextPart(part))
  // Only data goes inside a result; addresses are for turns.
  const inside = scope.isGeneration3 ? files.filter((part) => part.inlineData !== undefined) : []
  const outside = files.filter((part) => !inside.includes(part))
  if (outside.length > 0) scope.notes.add('tool_result:attachment', 'converted')
  return {
    part: {
      functionResponse: {
        ...(scope.isGeneration3 && { id: call.id }),
        name: scope.names.toProvider(call.name),
        response: block.is_error === true ? { error: text } : { output: text },
        ...(inside.length > 0 && { parts: inside }),
      },
    },
    attachments: outside.length === 0 ? [] : [{ text: `Files of the result of tool call ${call.id}:` }, ...outside],
  }
}

/** Content as text, array, empty or absent. */
function contentParts(scope: Scope, { content }: Block, path: string): readonly Part[] {
  if (content === undefined || content === null) return []
  return blocksOf(content, `${path}.content`).flatMap((inner, index) => {
    const place = `${path}.content.${index}`
    if (inner.type === 'tool_use' || inner.type === 'tool_result' || inner.type === 'thinking')
      throw refuse(place, `"${inner.type}" cannot be in a tool's result`)
    return partsOf(scope, inner, place)
  })
}
