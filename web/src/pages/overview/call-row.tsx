import { Link } from '@tanstack/react-router'
import { memo } from 'react'
import type { ExchangeSummary } from '../../../../src/contract/exchange.ts'
import { count, duration, money, timeOfDay } from '../../format.ts'
import { paths } from '../../paths.ts'
import { type Aspect, Lamp } from '../../ui/lamp.tsx'

/** The aspect of the lamp and the word beside it: an outcome is never told by colour alone. */
export function resultOf({ outcome, status_code: status }: Pick<ExchangeSummary, 'outcome' | 'status_code'>): {
  readonly aspect: Aspect
  readonly word: string
} {
  switch (outcome) {
    case 'ok':
      return { aspect: 'clear', word: `${status}` }
    case 'cancelled':
      return { aspect: 'off', word: `${status} left` }
    case 'caller_error':
    case 'policy_refused':
      return { aspect: 'caution', word: `${status}` }
    case 'provider_error':
    case 'gateway_error':
      return { aspect: 'danger', word: `${status}` }
    case 'interrupted':
      return { aspect: 'danger', word: 'cut off' }
  }
}

interface CallRowProps {
  call: ExchangeSummary
  /** Arrived while the page was looking. */
  fresh: boolean
  /** Its drawer is open. */
  open: boolean
}

export const CallRow = memo(function CallRow({ call, fresh, open }: CallRowProps) {
  const { aspect, word } = resultOf(call)
  const model = call.model ?? call.endpoint
  // Other endpoints cost and last differently; of the usual one nothing has to be said.
  const details = [call.endpoint === 'messages' ? [] : call.endpoint, call.error_type ?? []].flat()
  const estimated = call.usage_source === 'partial' || call.usage_source === 'estimated' ? '~' : ''
  return (
    <tr
      className={`cursor-pointer border-b border-line last:border-b-0 hover:bg-inset ${open ? 'bg-inset' : ''} ${fresh ? 'new-row' : ''}`}
    >
      <td className="py-1.5 ps-3 pe-2 align-top">
        <Link
          from={paths.overview}
          search={(search) => ({ ...search, call: call.id })}
          resetScroll={false}
          aria-label={`${timeOfDay(call.closed_at)}, ${model}, ${call.outcome.replace('_', ' ')}`}
          className="inline-block min-h-6 underline decoration-line-strong underline-offset-2 hover:decoration-brass"
        >
          {timeOfDay(call.closed_at)}
        </Link>
      </td>
      <td className="px-2 py-1.5 align-top">
        <span className="flex items-center gap-1.5" title={call.error_type ?? undefined}>
          <Lamp aspect={aspect} />
          {word}
        </span>
      </td>
      <td className="min-w-0 px-2 py-1.5 align-top">
        <span className="block break-words sm:truncate">{model}</span>
        <span className="block text-[0.8125rem] break-words text-soft sm:truncate lg:hidden">
          {call.domain}
          <span className="sm:hidden">
            , {estimated}
            {count(call.tokens.total)} tokens, {money(call.cost_usd)}
          </span>
        </span>
        {details.length > 0 && (
          <span className="block text-[0.8125rem] break-words text-soft sm:truncate">{details.join(', ')}</span>
        )}
      </td>
      <td className="hidden truncate px-2 py-1.5 align-top lg:table-cell">{call.domain}</td>
      <td className="hidden px-2 py-1.5 text-right align-top sm:table-cell">
        {estimated}
        {count(call.tokens.total)}
      </td>
      <td className="hidden px-2 py-1.5 text-right align-top md:table-cell">
        {call.ttft_ms === null ? '–' : duration(call.ttft_ms)}
      </td>
      <td className="py-1.5 ps-2 pe-3 text-right align-top sm:pe-2">
        {call.response_time_ms === null ? '–' : duration(call.response_time_ms)}
      </td>
      <td className="hidden py-1.5 ps-2 pe-3 text-right align-top sm:table-cell">
        {call.price_source === 'default' && <span title="The model has no price; a default was used">~</span>}
        {money(call.cost_usd)}
      </td>
    </tr>
  )
})
