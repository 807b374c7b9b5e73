/**
 * Takes thinking blocks that another provider's answer brought out of a request body, and changes not one other byte: their
 * signatures are the gateway's own and mean nothing to Anthropic, which refuses the whole call for one.
 */
import { type Place, walkItems, walkMembers } from './scan-body.ts'

/** What the signatures that the gateway makes begin with; the 1 is their version. */
export const packedPrefix = 'sbx1.'

const signature = `"${packedPrefix}`
/** Looked for first, because a `b` is rarer in a body than a quote is, of which there are tens of thousands. */
const rare = packedPrefix.slice(1)

/** The body itself where there is no such block in it; to know it costs at most a third of a millisecond a megabyte. */
export function dropPackedThinking(body: Buffer): Buffer {
  if (!body.includes(rare) || !body.includes(signature)) return body
  const messages = memberOf(body, { start: 0, end: body.length }, 'messages')
  if (messages === null) return body
  const cuts: Place[] = []
  const emptied: Place[] = []
  const all = itemsOf(body, messages)
  for (const message of all) {
    if (!holdsSignature(body, message)) continue
    const content = memberOf(body, message, 'content')
    const blocks = content === null ? [] : itemsOf(body, content)
    const packed = blocks.filter((block) => holdsSignature(body, block) && isPackedThinking(body, block))
    // A message without content would be refused as well.
    if (packed.length > 0 && packed.length === blocks.length) emptied.push(message)
    else cuts.push(...cutsFor(blocks, packed))
  }
  cuts.push(...cutsFor(all, emptied))
  return cuts.length === 0 ? body : without(body, cuts)
}

const holdsSignature = (body: Buffer, { start, end }: Place): boolean => body.subarray(start, end).includes(signature)

function isPackedThinking(body: Buffer, block: Place): boolean {
  const type = textOf(body, memberOf(body, block, 'type'))
  return type === 'thinking' && textOf(body, memberOf(body, block, 'signature'))?.startsWith(packedPrefix) === true
}

/** Where the value of a member stands, of the last one with that key, as parsers read it. */
function memberOf(body: Buffer, { start, end }: Place, wanted: string): Place | null {
  let found: Place | null = null
  const isWhole = walkMembers(body.subarray(start, end), (key, from, to) => {
    if (key === wanted) found = { start: start + from, end: start + to }
    return true
  })
  return isWhole ? found : null
}

/** The items of a list; none where it is no list, or broken. */
function itemsOf(body: Buffer, { start, end }: Place): readonly Place[] {
  const items: Place[] = []
  const isWhole = walkItems(body.subarray(start, end), (from, to) =>
    items.push({ start: start + from, end: start + to }),
  )
  return isWhole ? items : []
}

function textOf(body: Buffer, place: Place | null): string | null {
  if (place === null) return null
  try {
    const value: unknown = JSON.parse(body.toString('utf8', place.start, place.end))
    return typeof value === 'string' ? value : null
  } catch {
    return null
  }
}

/** Each item goes with the comma behind it; those at the end with the one before them. */
function cutsFor(items: readonly Place[], dropped: readonly Place[]): readonly Place[] {
  const gone = new Set(dropped)
  const lastKept = items.findLastIndex((item) => !gone.has(item))
  return items.flatMap((item, at): Place[] => {
    if (!gone.has(item)) return []
    const next = items[at + 1]
    if (at < lastKept && next !== undefined) return [{ start: item.start, end: next.start }]
    return [{ start: at === 0 ? item.start : (items[at - 1]?.end ?? item.start), end: item.end }]
  })
}

/** Cuts never overlap, but those of messages come behind those of blocks. */
function without(body: Buffer, cuts: readonly Place[]): Buffer {
  const pieces: Buffer[] = []
  let at = 0
  for (const { start, end } of [...cuts].sort((a, b) => a.start - b.start)) {
    pieces.push(body.subarray(at, start))
    at = end
  }
  return Buffer.concat([...pieces, body.subarray(at)])
}
