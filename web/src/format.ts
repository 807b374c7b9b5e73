/** One way to write each kind of number, everywhere. Pure. */

/** 1.2 M, 34.5 k, 812. A thin space keeps number and unit together. */
export function count(value: number): string {
  const size = Math.abs(value)
  if (size >= 999_950_000) return `${digits(value / 1e9)} G`
  if (size >= 999_950) return `${digits(value / 1e6)} M`
  if (size >= 10_000) return `${digits(value / 1e3)} k`
  return Number.isInteger(value) ? value.toLocaleString('en-US') : digits(value)
}

/** 812 ms, 3.4 s, 2 m 05 s, 1 h 02 m. */
export function duration(ms: number): string {
  if (ms === 0) return '0 s'
  if (ms < 10) return `${digits(ms)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${digits(ms / 1000)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} m`
}

/** $12.40, $0.0793: two digits that mean something, however small. */
export function money(usd: number): string {
  if (usd === 0) return '$0'
  const size = Math.abs(usd)
  if (size >= 100_000) return `$${count(usd)}`
  if (size >= 1) return `$${usd.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`
  if (size < 0.000001) return '< $0.000001'
  return `$${usd.toFixed(Math.min(6, Math.max(2, 2 - Math.floor(Math.log10(size)))))}`
}

/** 3.4 %, 0.02 %, 100 %. */
export function percent(ratio: number): string {
  const value = ratio * 100
  if (value !== 0 && Math.abs(value) < 0.1) return `${value.toFixed(2)} %`
  return `${digits(value)} %`
}

/** A change against the period before, as a ratio: +12 %, −4 %. Null where there is nothing to compare with. */
export function change(now: number | null, before: number | null): string | null {
  if (now === null || before === null || before === 0) return null
  const ratio = now / before - 1
  if (Math.abs(ratio) < 0.005) return '±0 %'
  const sign = ratio > 0 ? '+' : '−'
  return Math.abs(ratio) > 9.99
    ? `${sign}${Math.round(Math.abs(ratio) + (ratio > 0 ? 1 : 0))}×`
    : `${sign}${Math.round(Math.abs(ratio) * 100)} %`
}

export function bytes(value: number): string {
  if (value < 1000) return `${value} B`
  if (value < 999_500) return `${digits(value / 1e3)} kB`
  if (value < 999_500_000) return `${digits(value / 1e6)} MB`
  if (value < 999_500_000_000) return `${digits(value / 1e9)} GB`
  return `${digits(value / 1e12)} TB`
}

/** How long ago or how long from now, roughly: 45 s, 12 min, 5 h, 3 days, 4 years. */
export function roughly(ms: number): string {
  const seconds = Math.abs(ms) / 1000
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`
  const days = Math.round(seconds / 86_400)
  return days < 1000 ? `${days} days` : days < 36_500 ? `${Math.round(days / 365)} years` : 'over 100 years'
}

const clockTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const clockMinute = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const dateTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** 14:03:07 in the reader's zone. */
export const timeOfDay = (at: string | number): string => clockTime.format(new Date(at))
export const minuteOfDay = (at: string | number): string => clockMinute.format(new Date(at))
export const fullTime = (at: string | number): string => dateTime.format(new Date(at))

/** The reader's zone, as axes name it: `UTC`, `GMT+1`. */
export function zoneName(): string {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' }).formatToParts(new Date())
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? 'local time'
}

/** One decimal below 10, none from 100 on, no trailing zero. */
function digits(value: number): string {
  const size = Math.abs(value)
  const places = size >= 99.95 ? 0 : 1
  return value.toFixed(places).replace(/\.0$/, '')
}

const two = (value: number): string => String(value).padStart(2, '0')
