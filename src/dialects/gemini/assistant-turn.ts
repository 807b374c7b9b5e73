import { type Block, isJson, type RequestMessage } from '../../core/messages.ts'
import { foundTools, textOf, webSearchText } from '../shared/blocks.ts'
import { refuse } from '../shared/notes.ts'
import { blockFates } from './fates.ts'
import { noteCacheMark } from './parts.ts'
import type { Part, Scope } from './scope.ts'
import { placeholderSignature, type Signed, signedParts, unpackSigned } from './signatures.ts'

type Placed = Exclude<Signed, { on: 'call' }>

/** A message, or several of the model in a row. `path` names the first to the caller. */
export interface Turn extends RequestMessage {
  readonly path: string
}

/** What is collected from one turn's blocks. */
interface Seen {
  readonly parts: Part[]
  /** Signatures of the text that comes next. */
  next: readonly Placed[]
  /** The text block that came last, where nothing came behind it: where its parts begin, and what is signed of it. */
  last: { readonly from: number; readonly text: string; readonly signed: readonly Placed[] } | null
  hasCall: boolean
}

/** An assistant turn as the parts of a model's content; none where nothing remains of it. */
export function toModelParts(scope: Scope, turn: Turn): Part[] {
  const seen: Seen = { parts: [], next: [], last: null, hasCall: false }
  turn.content.forEach((block, at) => {
    addBlock(scope, seen, block, `${turn.path}.content.${at}`)
  })
  flushNext(seen)
  return seen.parts
}

function addBlock(scope: Scope, seen: Seen, block: Block, path: string): void {
  noteCacheMark(scope, block)
  switch (block.type) {
    case 'text':
      return addText(seen, textOf(block))
    case 'tool_use':
      return addCall(scope, seen, block, path)
    case 'thinking':
      return addThinking(scope, seen, block)
    case 'compaction':
      return // Its summary stands before this turn.
    case 'web_search_tool_result': {
      const text = webSearchText(block)
      scope.notes.add(`block:${block.type}`, text === null ? 'dropped' : 'converted')
      if (text !== null) addText(seen, text)
      return
    }
    case 'tool_search_tool_result':
      for (const name of foundTools(block)) scope.loaded.add(name)
  }
  if (blockFates[block.type]?.fate !== 'dropped')
    throw refuse(path, `${scope.target.provider} takes no "${block.type}" blocks in assistant turns`)
  scope.notes.add(`block:${block.type}`, 'dropped')
}

const asText = (text: string): Part => ({ text })
const asThought = (text: string): Part => ({ text, thought: true })

function addText(seen: Seen, text: string): void {
  if (text === '') return
  seen.last = { from: seen.parts.length, text, signed: seen.next }
  seen.parts.push(...signedParts(text, seen.next, asText))
  seen.next = []
}

/** The text that these were for is not there any more. */
function flushNext(seen: Seen): void {
  seen.parts.push(...signedParts('', seen.next, asText))
  seen.next = []
}

function addCall(scope: Scope, seen: Seen, block: Block, path: string): void {
  const { id, name, input } = block
  if (typeof id !== 'string' || id === '') throw refuse(`${path}.id`, 'Field required')
  if (typeof name !== 'string' || name === '') throw refuse(`${path}.name`, 'Field required')
  flushNext(seen)
  seen.last = null
  scope.loaded.add(name)
  // Only the first call of a turn must have one, and only Gemini 3 insists.
  const needed = scope.isGeneration3 && !seen.hasCall
  const thoughtSignature = scope.callSignatures.get(id) ?? (needed ? placeholderSignature : undefined)
  seen.hasCall = true
  seen.parts.push({
    functionCall: {
      ...(scope.isGeneration3 && { id }),
      name: scope.names.toProvider(name),
      args: isJson(input) ? input : {},
    },
    ...(thoughtSignature !== undefined && { thoughtSignature }),
  })
}

/** Ours goes back as it came; what another model thought, or nobody signed, says nothing to this one. */
function addThinking(scope: Scope, seen: Seen, block: Block): void {
  const signed = unpackSigned(block)
  if (signed === null) return scope.notes.add('block:thinking', 'dropped')
  const placed = signed.filter((one): one is Placed => one.on !== 'call')
  const on = (where: Placed['on']): Placed[] => placed.filter((one) => one.on === where)
  flushNext(seen)
  signLast(seen, on('last'))
  const thinking = typeof block.thinking === 'string' ? block.thinking : ''
  const thoughts = on('thought')
  if (thinking !== '' || thoughts.length > 0) seen.parts.push(...signedParts(thinking, thoughts, asThought))
  seen.next = on('next')
}

/** Signatures that came when their text was out already. */
function signLast(seen: Seen, signed: readonly Placed[]): void {
  const { last } = seen
  seen.last = null
  if (signed.length === 0) return
  if (last !== null) seen.parts.length = last.from
  seen.parts.push(...signedParts(last?.text ?? '', [...(last?.signed ?? []), ...signed], asText))
}
