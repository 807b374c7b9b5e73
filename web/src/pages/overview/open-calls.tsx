import type { OpenExchange } from '../../../../src/contract/exchange.ts'
import { useLive } from '../../api/live-context.tsx'
import { bytes, count, duration } from '../../format.ts'
import { Panel } from '../../ui/panel.tsx'
import { useNow } from '../../ui/use-now.ts'

const shownLimit = 12
/** The sections of the track: a call enters the next one at this age. */
const sectionsMs = [0, 2_000, 10_000, 30_000, 120_000, 600_000] as const

/** The calls under way, each a train on its track: how many sections are occupied says how long it has been out. */
export function OpenCalls({ domain }: { domain: string | undefined }) {
  const all = useLive((state) => state.open)
  const total = useLive((state) => state.openTotal)
  const paused = useLive((state) => state.paused)
  const isKnown = useLive((state) => state.figures !== null)
  const lost = useLive((state) => state.connection === 'lost')
  const now = useNow(paused)
  const open = domain === undefined ? all : all.filter((one) => one.domain === domain)
  const shown = open.slice(0, shownLimit)
  const number = domain === undefined ? Math.max(total, open.length) : open.length
  return (
    <Panel title="On the line" note={noteOf(number, lost)}>
      {shown.length === 0 ? (
        <p className="px-3 py-4 text-sm text-soft">
          {isKnown ? 'No call is open right now.' : 'Waiting for the live stream.'}
        </p>
      ) : (
        <ul className="divide-y divide-line">
          {shown.map((exchange) => (
            <OpenCall key={exchange.id} exchange={exchange} ageMs={Math.max(0, now - Date.parse(exchange.opened_at))} />
          ))}
        </ul>
      )}
      {number > shown.length && shown.length > 0 && (
        <p className="border-t border-line px-3 py-2 text-sm text-soft">and {count(number - shown.length)} younger</p>
      )}
    </Panel>
  )
}

function noteOf(number: number, lost: boolean): string | undefined {
  const parts = [...(number > 0 ? [`${count(number)} open`] : []), ...(lost ? ['not updating'] : [])]
  return parts.length === 0 ? undefined : parts.join(', ')
}

function OpenCall({ exchange, ageMs }: { exchange: OpenExchange; ageMs: number }) {
  const { requested_model: model, domain, streaming, request_bytes: size, estimated_input_tokens: tokens } = exchange
  return (
    <li className="px-3 py-2">
      <div className="flex items-baseline gap-3">
        <span className="min-w-0 flex-1 truncate font-medium">{model ?? exchange.endpoint}</span>
        <span>{duration(Math.floor(ageMs / 1000) * 1000)}</span>
      </div>
      <Track ageMs={ageMs} />
      <p className="flex gap-3 text-[0.8125rem] text-soft">
        <span className="min-w-0 flex-1 truncate">{domain}</span>
        <span title="Estimated from the size of the request; the count comes with the answer">
          ~{count(tokens)} tokens in, {bytes(size)}
          {streaming ? '' : ', not streamed'}
        </span>
      </p>
    </li>
  )
}

function Track({ ageMs }: { ageMs: number }) {
  return (
    <div aria-hidden="true" className="my-1.5 grid grid-cols-6 gap-[3px]">
      {sectionsMs.map((start, place) => {
        const occupied = ageMs >= start
        const colour = place > 3 ? 'bg-caution' : 'bg-series'
        return <span key={start} className={`h-1 ${occupied ? colour : 'bg-track'}`} />
      })}
    </div>
  )
}
