import type { ReactNode } from 'react'
import type { ExchangeDetail, ExchangeSummary } from '../../../../src/contract/exchange.ts'
import { bytes, count, duration, fullTime, money, percent } from '../../format.ts'
import { Lamp } from '../../ui/lamp.tsx'
import { resultOf } from './call-row.tsx'

type Shown = ExchangeSummary | ExchangeDetail

const isDetail = (call: Shown): call is ExchangeDetail => 'path' in call

/** All that is known of one call, most important first. */
export function Receipt({ call }: { call: Shown }) {
  const { aspect } = resultOf(call)
  return (
    <div className="grid gap-5 px-4 py-4">
      <p className="flex items-center gap-2">
        <Lamp aspect={aspect} />
        <span className="font-medium">{outcomeWords[call.outcome]}</span>
        <span className="text-soft">status {call.status_code}</span>
      </p>
      {call.error_type !== null && <Failure call={call} />}
      <Tokens call={call} />
      <Timings call={call} />
      <Facts call={call} />
    </div>
  )
}

const outcomeWords = {
  ok: 'Completed',
  caller_error: "Failed: the caller's fault",
  policy_refused: 'Refused by a rule of this gateway',
  provider_error: "Failed: the provider's fault",
  gateway_error: "Failed: this gateway's fault",
  cancelled: 'The caller left before the end',
  interrupted: 'Cut off: the gateway stopped with the call in flight',
} as const

const retryWords = {
  never: 'The same call would fail again.',
  elsewhere: 'Another provider may do.',
  later: 'The same call may do in a while.',
} as const

function Failure({ call }: { call: Shown }) {
  return (
    <div className="rounded-sm border border-danger bg-danger-ground px-3 py-2.5 text-sm">
      <p className="font-mono text-[0.8125rem] font-semibold break-all">{call.error_type}</p>
      {isDetail(call) && (
        <>
          {call.error_message !== null && <p className="mt-1 break-words">{call.error_message}</p>}
          {call.error_meaning !== null && <p className="mt-1">{call.error_meaning}</p>}
          {call.error_retry !== null && <p className="mt-1">{retryWords[call.error_retry]}</p>}
          {call.failed_after_first_byte && <p className="mt-1">It failed after the answer had begun.</p>}
        </>
      )}
    </div>
  )
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h3 className="border-b border-line pb-1 font-semibold">{title}</h3>
      {children}
    </section>
  )
}

function Tokens({ call }: { call: Shown }) {
  const { tokens, usage_source: source, price_source: price } = call
  const prompt = tokens.total - tokens.output
  const rows = [
    ['Input', tokens.input],
    ['Cache read', tokens.cache_read],
    ['Cache write, 5 minutes', tokens.cache_write_5m],
    ['Cache write, 1 hour', tokens.cache_write_1h],
    ['Output', tokens.output],
  ] as const
  return (
    <Section title="Receipt">
      <table className="w-full text-sm">
        <caption className="sr-only">Tokens by bucket, and the cost</caption>
        <tbody>
          {rows.map(([name, value]) => (
            <Row key={name} name={name} value={value.toLocaleString('en-US')} />
          ))}
          {isDetail(call) && call.reasoning_tokens !== null && (
            <Row name="of the output, reasoning" value={call.reasoning_tokens.toLocaleString('en-US')} soft />
          )}
          {isDetail(call) && call.web_searches !== null && call.web_searches > 0 && (
            <Row name="Web searches" value={count(call.web_searches)} />
          )}
          <Row name="Total" value={tokens.total.toLocaleString('en-US')} strong />
          <Row name="Cost" value={money(call.cost_usd)} strong />
        </tbody>
      </table>
      <ul className="mt-2 grid gap-1 text-sm text-soft">
        {prompt > 0 && <li>{percent(tokens.cache_read / prompt)} of the prompt came from the cache.</li>}
        {usageWords[source] !== undefined && <li>{usageWords[source]}</li>}
        {priceWords[price] !== undefined && <li>{priceWords[price]}</li>}
        {isDetail(call) && call.usage_flags.length > 0 && <li>Flags: {call.usage_flags.join(', ')}.</li>}
      </ul>
    </Section>
  )
}

const usageWords: Readonly<Record<string, string>> = {
  partial: 'The stream was cut: the output count is an estimate, and a floor.',
  estimated: 'No counts were reported: they are estimates from sizes.',
  none: 'No work was done, so nothing was used.',
}

const priceWords: Readonly<Record<string, string>> = {
  default: 'The model is in no price list: a default price was used.',
  override: 'Priced by a row of this installation.',
  free: 'The model is set to cost nothing.',
}

function Row({
  name,
  value,
  strong = false,
  soft = false,
}: {
  name: string
  value: string
  strong?: boolean
  soft?: boolean
}) {
  const tone = strong ? 'font-semibold' : soft ? 'text-soft' : ''
  return (
    <tr className={`border-b border-line ${tone}`}>
      <th scope="row" className={`py-1 text-left ${strong ? 'font-semibold' : 'font-normal'} ${soft ? 'ps-4' : ''}`}>
        {name}
      </th>
      <td className="py-1 text-right">{value}</td>
    </tr>
  )
}

/** Where the time went: waiting for the first token, the stream, and our own part, drawn to scale. */
function Timings({ call }: { call: Shown }) {
  const { response_time_ms: total, ttft_ms: first, overhead_ms: overhead } = call
  // Of an imported call nobody knows.
  if (total === null) return null
  const share = (ms: number): string => `${Math.max(0.5, Math.min(100, (100 * ms) / Math.max(total, 0.001)))}%`
  return (
    <Section title="Time">
      {first !== null && (
        <div aria-hidden="true" className="my-2 flex h-2.5 gap-px overflow-hidden rounded-[2px] bg-track">
          <span className="bg-series" style={{ width: share(first) }} />
          <span className="bg-series opacity-45" style={{ width: share(total - first) }} />
        </div>
      )}
      <table className="w-full text-sm">
        <caption className="sr-only">Where the time went</caption>
        <tbody>
          {first !== null && <Row name="To the first token" value={duration(first)} />}
          {first !== null && <Row name="Streaming after it" value={duration(Math.max(0, total - first))} />}
          <Row name="Total" value={duration(total)} strong />
          {overhead !== null && <Row name="of it, this gateway" value={duration(overhead)} soft />}
          {call.attempts > 1 && <Row name="Attempts" value={String(call.attempts)} />}
        </tbody>
      </table>
    </Section>
  )
}

function Facts({ call }: { call: Shown }) {
  const detail = isDetail(call) ? call : null
  const facts: readonly (readonly [string, string | null])[] = [
    ['Started', fullTime(call.opened_at)],
    ['Ended', fullTime(call.closed_at)],
    ['Called', detail && `${detail.method} ${detail.path}`],
    ['Domain', call.domain],
    ['Key', call.key_id],
    ['Account', call.account_id],
    ['Provider', call.provider],
    ['Model', call.model],
    ['Asked for', call.requested_model === call.model ? null : call.requested_model],
    ['Stop reason', detail?.stop_reason ?? null],
    ['Upstream status', detail?.upstream_status?.toString() ?? null],
    ['Sent and received', detail && `${bytes(detail.request_bytes)}, ${bytes(detail.response_bytes)}`],
    ['Service tier', detail?.service_tier ?? null],
    ['Session', call.session_id],
    ['Agent', call.agent_id],
    ['Request id', call.id],
    ['Upstream request id', detail?.upstream_request_id ?? null],
  ]
  return (
    <Section title="Details">
      <dl className="mt-1 grid grid-cols-[minmax(7.5rem,auto)_minmax(0,1fr)] gap-x-4 text-sm">
        {facts.map(([name, value]) =>
          value === null ? null : (
            <div key={name} className="col-span-2 grid grid-cols-subgrid border-b border-line py-1">
              <dt className="text-soft">{name}</dt>
              <dd className="break-all">{value}</dd>
            </div>
          ),
        )}
      </dl>
    </Section>
  )
}
