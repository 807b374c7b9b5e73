import { isJson, type Json } from '../core/messages.ts'
import { prose } from './prose.ts'
import type { Random } from './random.ts'
import type { Answer } from './read-answer.ts'

/** A call that a session wants to make now. */
export interface SessionCall {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Someone who makes one call after the other. */
export interface TrafficSession {
  next(): SessionCall
  /** Tells how the last call went; null: it failed or was given up, `next` asks for the same again. */
  answered(answer: Answer | null): void
  /** True when the session has done its work. */
  readonly finished: boolean
}

const mainModels = ['claude-opus-5-5', 'claude-sonnet-5', 'claude-sonnet-5'] as const
const smallModel = 'claude-haiku-4-5-20251001'
const commands = [
  'npm test',
  'git status --short',
  'ls src',
  'git diff --stat',
  'rg TODO src',
  'npx tsc --noEmit',
  'cat package.json',
] as const
const requests = [
  'Find out why the build is slow.',
  'Add a test for the parser.',
  'Rename the option.',
  'Explain this module.',
] as const
const toolNames = [
  'Bash',
  'Read',
  'Edit',
  'Write',
  'Grep',
  'Glob',
  'Task',
  'WebFetch',
  'TodoWrite',
  'NotebookEdit',
] as const
const titleSchema = {
  type: 'object',
  properties: { title: { type: 'string' } },
  required: ['title'],
  additionalProperties: false,
}

/** What all sessions of one project send at the head of every call: the part that prompt caching is about. */
export interface ProjectPrompt {
  readonly system: string
  readonly tools: readonly Json[]
}

export function createProjectPrompt(random: Random): ProjectPrompt {
  const tools = toolNames.map((name) => ({
    name,
    description: prose(random, 160),
    input_schema: {
      type: 'object',
      properties: name === 'Bash' ? { command: { type: 'string' } } : { path: { type: 'string' } },
      required: [name === 'Bash' ? 'command' : 'path'],
    },
  }))
  return { system: prose(random, 3_200), tools }
}

interface Lane {
  readonly agentId: string | undefined
  readonly model: string
  messages: Json[]
  turnsLeft: number
}

/**
 * A coding agent at work: a title request first, then prompts, each with a few tool turns, now and then a subagent of a
 * smaller model and a burst of token counts. The conversation grows until `maxContextBytes`, then it is finished.
 */
export class AgentSession implements TrafficSession {
  finished = false
  readonly #random: Random
  readonly #prompt: ProjectPrompt
  readonly #maxContextBytes: number
  readonly #sessionId: string
  readonly #userId: string
  readonly #main: Lane
  #lane: Lane
  #pending: 'title' | 'count' | 'turn' = 'title'
  #countsLeft = 0

  constructor(options: { random: Random; prompt: ProjectPrompt; maxContextBytes: number }) {
    const { random } = options
    this.#random = random
    this.#prompt = options.prompt
    this.#maxContextBytes = options.maxContextBytes
    this.#sessionId = random.uuid()
    const ids = { device_id: random.hex(64), account_uuid: '', session_id: this.#sessionId }
    this.#userId = JSON.stringify(ids)
    this.#main = { agentId: undefined, model: random.pick(mainModels), messages: [], turnsLeft: random.integer(3, 14) }
    this.#lane = this.#main
    this.#ask(this.#main)
  }

  next(): SessionCall {
    if (this.#pending === 'title') return this.#call('/v1/messages?beta=true', this.#titleBody())
    const lane = this.#lane
    const shared = {
      model: lane.model,
      messages: marked(lane.messages),
      system: this.#system(lane),
      tools: this.#prompt.tools,
    }
    if (this.#pending === 'count') return this.#call('/v1/messages/count_tokens?beta=true', shared)
    const thinking = lane === this.#main ? { thinking: { type: 'adaptive', display: 'omitted' } } : {}
    return this.#call('/v1/messages?beta=true', {
      ...shared,
      metadata: { user_id: this.#userId },
      max_tokens: 64_000,
      ...thinking,
      stream: true,
    })
  }

  answered(answer: Answer | null): void {
    if (this.#pending === 'title')
      this.#pending = 'turn' // nobody waits for a title, and nobody asks twice
    else if (this.#pending === 'count') {
      this.#countsLeft--
      if (this.#countsLeft <= 0) this.#pending = 'turn'
    } else if (answer !== null) this.#turn(answer)
  }

  #turn(answer: Answer): void {
    const lane = this.#lane
    // An answer cut short may hold an empty text, which no request may carry.
    const kept = answer.content.filter((block) => block.type !== 'text' || block.text !== '')
    const content = kept.length > 0 ? kept : [{ type: 'text', text: 'Done.' }]
    lane.messages.push({ role: 'assistant', content })
    const uses = content.filter((block) => block.type === 'tool_use')
    if (uses.length > 0) {
      lane.messages.push({ role: 'user', content: uses.map((use) => this.#toolResult(use)) })
      return
    }
    lane.turnsLeft--
    if (lane.turnsLeft <= 0 || JSON.stringify(lane.messages).length > this.#maxContextBytes) {
      if (lane === this.#main) this.finished = true
      this.#lane = this.#main
      return
    }
    this.#ask(lane)
    if (lane !== this.#main) return
    const draw = this.#random.next()
    if (draw < 0.12) this.#lane = this.#subagent()
    else if (draw < 0.24) {
      this.#pending = 'count'
      this.#countsLeft = this.#random.integer(3, 12)
    }
  }

  #subagent(): Lane {
    const lane: Lane = { agentId: this.#random.hex(8), model: smallModel, messages: [], turnsLeft: 1 }
    this.#ask(lane)
    return lane
  }

  #ask(lane: Lane): void {
    const runs = Array.from({ length: this.#random.integer(0, 4) }, () => `run: ${this.#random.pick(commands)}`)
    const text = [this.#random.pick(requests), prose(this.#random, this.#random.integer(10, 120)), ...runs].join('\n')
    lane.messages.push({ role: 'user', content: [{ type: 'text', text }] })
  }

  #toolResult(use: Json): Json {
    const tokens = Math.round(this.#random.logNormal({ median: 250, sigma: 1 }))
    return { type: 'tool_result', tool_use_id: use.id, content: prose(this.#random, Math.min(tokens, 3_000)) }
  }

  #system(lane: Lane): object[] {
    const attribution = `x-anthropic-billing-header: cc_version=2.1.330.d0a; cc_entrypoint=cli;${lane.agentId === undefined ? '' : ' cc_is_subagent=true;'}`
    return [
      { type: 'text', text: attribution },
      { type: 'text', text: this.#prompt.system, cache_control: { type: 'ephemeral', ttl: '1h' } },
    ]
  }

  #titleBody(): object {
    return {
      model: smallModel,
      messages: this.#main.messages.slice(0, 1),
      metadata: { user_id: this.#userId },
      max_tokens: 512,
      output_config: { format: { type: 'json_schema', schema: titleSchema } },
      stream: true,
    }
  }

  #call(path: string, body: object): SessionCall {
    const { agentId } = this.#lane
    return {
      path,
      headers: {
        'user-agent': 'claude-cli/2.1.330 (external, cli)',
        'x-app': 'cli',
        'anthropic-version': '2023-06-01',
        'anthropic-beta': 'claude-code-20250219,interleaved-thinking-2025-05-14,effort-2025-11-24',
        'x-claude-code-session-id': this.#sessionId,
        ...(agentId === undefined ? {} : { 'x-claude-code-agent-id': agentId }),
      },
      body: JSON.stringify(body),
    }
  }
}

/** The last block carries the moving cache mark, as Claude Code sets it. */
function marked(messages: readonly Json[]): readonly Json[] {
  const last = messages.at(-1)
  if (last === undefined || !Array.isArray(last.content)) return messages
  const block: unknown = last.content.at(-1)
  if (!isJson(block)) return messages
  const content = [...last.content.slice(0, -1), { ...block, cache_control: { type: 'ephemeral' } }]
  return [...messages.slice(0, -1), { ...last, content }]
}

/** A program of the project's own that classifies texts: short calls without a session, not streamed. */
export class ScriptSession implements TrafficSession {
  finished = false
  readonly #random: Random
  #callsLeft: number
  #call: SessionCall

  constructor(random: Random) {
    this.#random = random
    this.#callsLeft = random.integer(10, 40)
    this.#call = this.#make()
  }

  next(): SessionCall {
    return this.#call
  }

  answered(answer: Answer | null): void {
    if (answer === null) return
    this.#callsLeft--
    this.finished = this.#callsLeft <= 0
    this.#call = this.#make()
  }

  #make(): SessionCall {
    const text = `Classify: ${prose(this.#random, this.#random.integer(40, 400))}`
    return {
      path: '/v1/messages',
      headers: { 'user-agent': 'Anthropic/Python 0.90.0', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ model: smallModel, max_tokens: 200, messages: [{ role: 'user', content: text }] }),
    }
  }
}
