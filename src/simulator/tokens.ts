import { isJson, type Json } from '../core/messages.ts'

/** Estimated tokens of a text: about four characters each, as English and code have. Deterministic, not exact. */
export function textTokens(text: string): number {
  return text === '' ? 0 : Math.ceil(text.length / 4)
}

const pixelsPerToken = 750
const maxImageTokens = 1_600

/** Estimated tokens of a content block, a system block or a tool definition. */
export function blockTokens(block: Json): number {
  if (block.type === 'text' && typeof block.text === 'string') return textTokens(block.text)
  if (block.type === 'image') return imageTokens(block)
  if (block.type === 'document' && isJson(block.source)) return textTokens(String(block.source.data ?? '')) >> 2
  if (block.type === 'tool_result' && Array.isArray(block.content))
    return 12 + block.content.reduce((sum: number, part) => sum + (isJson(part) ? blockTokens(part) : 0), 0)
  return textTokens(JSON.stringify(block))
}

/** Width times height by 750, as the documentation says; the size is read where it is a PNG, else a usual one is taken. */
function imageTokens(block: Json): number {
  const data = isJson(block.source) && typeof block.source.data === 'string' ? block.source.data : ''
  const head = Buffer.from(data.slice(0, 44), 'base64')
  const isPng = head.length >= 24 && head.toString('latin1', 1, 4) === 'PNG'
  const pixels = isPng ? head.readUInt32BE(16) * head.readUInt32BE(20) : 1_000_000
  return Math.max(1, Math.min(maxImageTokens, Math.ceil(pixels / pixelsPerToken)))
}
