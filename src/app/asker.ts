/** Questions over a message channel: each answered once, or given up after a while, so that nothing waits for ever. */
export class Asker<Question, Answer> {
  readonly #send: (id: number, question: Question) => void
  readonly #timeoutMs: number
  readonly #open = new Map<
    number,
    { resolve(answer: Answer): void; reject(error: Error): void; timer: NodeJS.Timeout }
  >()
  #next = 1

  constructor(send: (id: number, question: Question) => void, timeoutMs: number) {
    this.#send = send
    this.#timeoutMs = timeoutMs
  }

  ask(question: Question): Promise<Answer> {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#open.delete(id)
        reject(new Error('no answer in time'))
      }, this.#timeoutMs)
      this.#open.set(id, { resolve, reject, timer })
      this.#send(id, question)
    })
  }

  /** Hands in the answer to a question; late ones are dropped. */
  answered(id: number, answer: Answer | undefined): void {
    const waiting = this.#open.get(id)
    if (waiting === undefined) return
    clearTimeout(waiting.timer)
    this.#open.delete(id)
    if (answer === undefined) waiting.reject(new Error('the other side failed'))
    else waiting.resolve(answer)
  }

  /** The other side is gone. */
  fail(): void {
    for (const id of [...this.#open.keys()]) this.answered(id, undefined)
  }
}
