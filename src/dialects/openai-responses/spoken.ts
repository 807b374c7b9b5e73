import type { AnswerContext } from '../../core/dialect.ts'
import type { MessageStream } from '../../core/message-stream.ts'
import { isJson, type Json } from '../../core/messages.ts'
import { prefillOf } from '../shared/blocks.ts'
import { EchoFilter, StopFilter } from '../shared/text-filters.ts'
import { itemToKeep, packReasoning } from './reasoning-state.ts'
import { stopSequencesOf } from './settings.ts'

/** Between the parts of a summary, which are told apart upstream only by their index. */
const partBreak = '\n\n'

/** What the model says and thinks, on its way into the blocks of the answer. Calls pass by it. */
export class Spoken {
  readonly #stream: MessageStream
  readonly #provider: string
  readonly #echo: EchoFilter
  readonly #stops: StopFilter
  /** Whether thoughts are for the caller's eyes; hidden ones come as a signature alone. */
  readonly #thoughtsShown: boolean
  #kept: Json[] = []
  #phase: string | null = null
  /** Whether a thought was told since the last content of another kind. */
  #isThinking = false
  /** For an estimate of the output, where nothing is told. */
  characters = 0

  constructor(stream: MessageStream, { target, request }: AnswerContext) {
    const { thinking } = request.fields
    this.#stream = stream
    this.#provider = target.provider
    this.#echo = new EchoFilter(prefillOf(request.messages.at(-1)))
    this.#stops = new StopFilter(stopSequencesOf(request.fields))
    this.#thoughtsShown = !(isJson(thinking) && thinking.display === 'omitted')
  }

  /** The stop sequence that ended the answer as far as the caller is concerned. */
  get stoppedBy(): string | null {
    return this.#stops.met
  }

  get echoRemoved(): boolean {
    return this.#echo.removed
  }

  /** A message begins; its phase has to come back with it. */
  phase(phase: string): void {
    this.#phase = phase
  }

  text(text: string): void {
    this.#say(this.#stops.push(this.#echo.push(text)))
  }

  /** A text of its own begins. */
  textBegins(): void {
    this.flush()
    this.#stream.textEnd()
  }

  /** `breaks`: another part of the thoughts begins here. */
  thought(text: string, breaks: boolean): void {
    if (text === '' || this.stoppedBy !== null) return
    this.flush()
    this.characters += text.length
    if (this.#thoughtsShown) this.#stream.thinking(breaks && this.#isThinking ? partBreak + text : text)
    this.#isThinking = true
  }

  /** A reasoning item is whole. Several in a row are one block, and one state. */
  reasoned(item: Json): void {
    const kept = itemToKeep(item)
    if (kept === null || this.stoppedBy !== null) return
    this.flush()
    this.#kept.push(kept)
    this.#sign(null)
  }

  /** Text is over: a call follows, or the end. */
  flush(): void {
    this.#say(this.#stops.push(this.#echo.flush()) + this.#stops.flush())
  }

  /** A call follows: what was thought before it is closed off. */
  leaveForCall(): void {
    this.flush()
    this.#kept = []
    this.#isThinking = false
  }

  #say(text: string): void {
    if (text === '') return
    if (this.#phase !== null) this.#sign(this.#phase)
    this.#phase = null
    this.#kept = []
    this.#isThinking = false
    this.characters += text.length
    this.#stream.text(text)
  }

  #sign(phase: string | null): void {
    this.#stream.signature(packReasoning(this.#provider, { reasoning: this.#kept, phase }))
  }
}
