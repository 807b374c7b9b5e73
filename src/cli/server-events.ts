/** One event of a stream of server-sent events. */
export interface ServerEvent {
  readonly event: string
  readonly data: string
}

/** An event beyond this is not one of ours; without a limit a wrong address could fill the memory. */
const maxEventLength = 1024 * 1024

/**
 * The events of a `text/event-stream` answer, as they come. Source: WHATWG HTML, "Server-sent events", section 9.2.6;
 * ids and retry times are left out, a tail does not resume.
 */
export async function* eventsOf(response: Response): AsyncGenerator<ServerEvent> {
  if (response.body === null) return
  let rest = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    // A lone CR may be half of a CR LF whose other half is still under way.
    const text = rest + chunk
    const held = text.endsWith('\r') ? 1 : 0
    const blocks = text.slice(0, text.length - held).split(/\r\n\r\n|\n\n|\r\r/)
    rest = (blocks.pop() ?? '') + text.slice(text.length - held)
    if (rest.length > maxEventLength)
      throw new Error('The stream of events is not one of Signalbox: an event has no end.')
    for (const block of blocks) {
      const event = parseEvent(block)
      if (event !== undefined) yield event
    }
  }
}

function parseEvent(block: string): ServerEvent | undefined {
  let event = 'message'
  const data: string[] = []
  for (const line of block.split(/\r\n|\n|\r/)) {
    const [, name, value = ''] = /^([^:]+)(?::[ ]?(.*))?$/.exec(line) ?? []
    if (name === 'event') event = value
    else if (name === 'data') data.push(value)
  }
  return data.length === 0 ? undefined : { event, data: data.join('\n') }
}
