import { Agent, request } from 'node:http'

/** What a caller saw of one call. */
export interface SeenCall {
  /** The exchange's id, null where no response head came. */
  readonly id: string | null
  readonly status: number | null
  /** The answer came to its proper end. */
  readonly complete: boolean
  /** What the caller had to complain about; null for a 200 that is complete. */
  readonly failure: string | null
}

export interface OneCall {
  readonly stream?: boolean
  /** Value of the `x-simulate` header. */
  readonly simulate?: string
  readonly agent?: Agent
  /** Told the exchange's id as soon as the response head is there. */
  onHead?(id: string): void
}

/** Sends one call of the Messages API; never rejects. */
export function call(proxyUrl: string, options: OneCall = {}): Promise<SeenCall> {
  const { stream = false, simulate, agent } = options
  const body = JSON.stringify({
    model: 'claude-sonnet-5',
    max_tokens: 400,
    stream,
    messages: [{ role: 'user', content: 'Hello, signal box.' }],
  })
  return new Promise((resolve) => {
    let id: string | null = null
    let status: number | null = null
    const failed = (failure: string): void => resolve({ id, status, complete: false, failure })
    const sent = request(
      `${proxyUrl}/v1/messages`,
      {
        method: 'POST',
        ...(agent === undefined ? { agent: false } : { agent }),
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'x-api-key': 'sk-ant-api03-torture',
          ...(simulate === undefined ? {} : { 'x-simulate': simulate }),
        },
      },
      (response) => {
        status = response.statusCode ?? null
        const header = response.headers['x-signalbox-request-id']
        id = typeof header === 'string' ? header : null
        if (id !== null) options.onHead?.(id)
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text = stream ? (text + chunk).slice(-200) : text + chunk
        })
        response.on('error', (error) => failed(error.message))
        response.on('end', () => {
          const whole = response.complete && (stream ? text.includes('message_stop') : text.endsWith('}'))
          if (!whole) return failed(`the answer is not whole: ${text.slice(-200)}`)
          resolve({ id, status, complete: true, failure: status === 200 ? null : `${status} ${text.slice(0, 200)}` })
        })
      },
    )
    sent.on('error', (error) => failed(error.message))
    sent.end(body)
  })
}

/** Callers that each send one call after the other, every third of them as a stream, until they are stopped. */
export interface Callers {
  /** What was seen so far. */
  readonly seen: readonly SeenCall[]
  completed(): number
  /** Lets every caller finish the call it is at. */
  stop(): Promise<readonly SeenCall[]>
}

export function startCallers(
  proxyUrl: string,
  options: { callers: number; calls?: number; streams?: boolean },
): Callers {
  const seen: SeenCall[] = []
  let completed = 0
  let stopped = false
  let begun = 0
  const agent = new Agent({ keepAlive: true, maxSockets: options.callers })
  const loops = Array.from({ length: options.callers }, async () => {
    while (!stopped && begun < (options.calls ?? Number.POSITIVE_INFINITY)) {
      begun += 1
      const stream = options.streams !== false && begun % 3 === 0
      const one = await call(proxyUrl, { agent, stream, simulate: 'ttft=0;tps=0;output-tokens=20' })
      seen.push(one)
      if (one.complete) completed += 1
      // A refused connection fails within microseconds; without this the loop would do nothing but that.
      else await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })
  const done = Promise.all(loops)
  return {
    seen,
    completed: () => completed,
    async stop() {
      stopped = true
      await done
      agent.destroy()
      return seen
    },
  }
}
