/** A strict reader of Messages streams for tests: written from the protocol's grammar, apart from the code it checks. */

export interface StreamEvent {
  readonly name: string
  // Test code looks into events of every shape.
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests assert
  readonly data: any
}

/** The events of a complete SSE body, in order; comments and retry lines are left out. */
export function readEvents(body: string): StreamEvent[] {
  const events: StreamEvent[] = []
  for (const frame of body.split(/\r?\n\r?\n/)) {
    const lines = frame.split(/\r?\n/)
    const name = lines.find((line) => line.startsWith('event: '))?.slice(7)
    const data = lines.filter((line) => line.startsWith('data: ')).map((line) => line.slice(6))
    if (name !== undefined && data.length > 0) events.push({ name, data: JSON.parse(data.join('\n')) })
  }
  return events
}

/**
 * Checks `message_start (content_block_start content_block_delta* content_block_stop)* message_delta+ message_stop` with
 * pings anywhere, and that the names equal the types.
 * @throws Error saying which event is out of place.
 */
export function checkGrammar(events: readonly StreamEvent[]): void {
  let open: number | undefined
  let blocks = 0
  let state: 'before' | 'blocks' | 'ending' | 'done' = 'before'
  for (const [index, { name, data }] of events.entries()) {
    const wrong = (why: string): never => {
      throw new Error(`event ${index} (${name}): ${why}`)
    }
    if (data.type !== name) wrong(`its data has the type ${data.type}`)
    if (name === 'ping' || name === 'future_event') continue
    if (name === 'message_start') {
      if (state !== 'before') wrong('the message has already started')
      state = 'blocks'
    } else if (name === 'content_block_start') {
      if (state !== 'blocks' || open !== undefined) wrong('no block may start here')
      if (data.index !== blocks) wrong(`index ${data.index} instead of ${blocks}`)
      open = blocks++
    } else if (name === 'content_block_delta') {
      if (data.index !== open) wrong(`block ${data.index} is not open`)
    } else if (name === 'content_block_stop') {
      if (data.index !== open) wrong(`block ${data.index} is not open`)
      open = undefined
    } else if (name === 'message_delta') {
      if ((state !== 'blocks' && state !== 'ending') || open !== undefined) wrong('not behind the last block')
      state = 'ending'
    } else if (name === 'message_stop') {
      if (state !== 'ending') wrong('no message_delta before')
      state = 'done'
    } else wrong('unknown event')
  }
  if (state !== 'done') throw new Error('the stream has no end')
}
