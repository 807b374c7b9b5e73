/** A small time chart: an area and a line, an axis each, a name, a summary, arrow keys, and its numbers as a table. */
import { type KeyboardEvent, type PointerEvent, useId, useState } from 'react'
import { minuteOfDay, zoneName } from '../format.ts'
import { areaPath, linePath, niceMaximum, placesOf, runsOf, tickIndexes } from './scale.ts'
import { useWidth } from './use-width.ts'

export interface ChartSeries {
  readonly name: string
  readonly values: readonly (number | null)[]
  readonly tone: 'series' | 'danger'
}

interface TimeChartProps {
  /** What a screen reader calls it. */
  name: string
  summary: string
  times: readonly number[]
  series: readonly ChartSeries[]
  /** With its unit, for people. */
  write: (value: number) => string
  /** True while the last step still fills: it is drawn dashed. */
  lastIsPartial: boolean
}

const height = 150
const room = { left: 44, right: 10, top: 10, bottom: 22 }
const strokes = { series: 'stroke-series', danger: 'stroke-danger' } as const
const fills = { series: 'fill-series', danger: 'fill-danger' } as const

export function TimeChart({ name, summary, times, series, write, lastIsPartial }: TimeChartProps) {
  const [box, width] = useWidth(640)
  const [chosen, setChosen] = useState<number | null>(null)
  const summaryId = useId()
  const inner = { width: Math.max(40, width - room.left - room.right), height: height - room.top - room.bottom }
  const largest = Math.max(0, ...series.flatMap((one) => one.values.filter((value) => value !== null)))
  const maximum = niceMaximum(largest)
  const last = times.length - 1
  const shown = chosen === null ? null : Math.min(chosen, last)
  const xOf = (index: number): number => (last > 0 ? (index / last) * inner.width : inner.width / 2)

  function onKeyDown(event: KeyboardEvent) {
    const from = shown ?? last
    const next = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last, Escape: null }[event.key]
    if (next === undefined) return
    event.preventDefault()
    setChosen(next === null ? null : Math.max(0, Math.min(last, next)))
  }
  function onPointerMove(event: PointerEvent<HTMLElement>) {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left - room.left
    setChosen(Math.max(0, Math.min(last, Math.round((x / inner.width) * last))))
  }
  const textOf = (index: number): string => {
    const values = series.map((one) => `${one.name} ${writeOrMissing(one.values[index] ?? null, write)}`)
    const partial = lastIsPartial && index === last ? ' (unfinished)' : ''
    return `${minuteOfDay(times[index] ?? 0)}${partial}: ${values.join(', ')}`
  }
  return (
    <div ref={box} className="relative">
      <p id={summaryId} className="px-3 pt-2 text-sm text-soft">
        {summary}
      </p>
      {/* A slider is what this is to the ear: one position on a line, whose value is read out as it moves. */}
      <div
        role="slider"
        tabIndex={0}
        aria-label={`${name}, by time`}
        aria-describedby={summaryId}
        aria-orientation="horizontal"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, last)}
        aria-valuenow={shown ?? Math.max(0, last)}
        aria-valuetext={times.length === 0 ? 'no data' : textOf(shown ?? last)}
        onKeyDown={onKeyDown}
        onBlur={() => setChosen(null)}
        onPointerMove={onPointerMove}
        onPointerLeave={() => setChosen(null)}
        className="-outline-offset-2"
      >
        <svg width={width} height={height} aria-hidden="true" className="block max-w-full text-[0.75rem]">
          <g transform={`translate(${room.left} ${room.top})`}>
            {[0, maximum / 2, maximum].map((value) => {
              const y = inner.height - (value / maximum) * inner.height
              return (
                <g key={value}>
                  <line
                    x1={0}
                    x2={inner.width}
                    y1={y}
                    y2={y}
                    className={value === 0 ? 'stroke-line-strong' : 'stroke-line'}
                  />
                  <text x={-8} y={y + 4} textAnchor="end" className="fill-soft">
                    {write(value)}
                  </text>
                </g>
              )
            })}
            {tickIndexes(times, Math.max(2, Math.floor(inner.width / 80))).map((index) => (
              <text
                key={index}
                x={xOf(index)}
                y={inner.height + 17}
                textAnchor={anchorOf(xOf(index), inner.width)}
                className="fill-soft"
              >
                {minuteOfDay(times[index] ?? 0)}
              </text>
            ))}
            {series.map((one, index) => (
              <SeriesLines
                key={one.name}
                series={one}
                maximum={maximum}
                inner={inner}
                filled={index === 0}
                lastIsPartial={lastIsPartial}
              />
            ))}
            {shown !== null && (
              <>
                <line x1={xOf(shown)} x2={xOf(shown)} y1={0} y2={inner.height} className="stroke-line-strong" />
                {series.map((one) => {
                  const value = one.values[shown]
                  if (value === null || value === undefined) return null
                  const y = inner.height - (value / maximum) * inner.height
                  return (
                    <circle
                      key={one.name}
                      cx={xOf(shown)}
                      cy={y}
                      r={3.5}
                      className={`${fills[one.tone]} stroke-panel`}
                    />
                  )
                })}
              </>
            )}
          </g>
        </svg>
      </div>
      <p className="px-3 pb-2 text-right text-[0.8125rem] text-soft" aria-hidden="true">
        {shown === null ? `Times in ${zoneName()}` : textOf(shown)}
      </p>
    </div>
  )
}

interface SeriesLinesProps {
  series: ChartSeries
  maximum: number
  inner: { readonly width: number; readonly height: number }
  filled: boolean
  lastIsPartial: boolean
}

function SeriesLines({ series, maximum, inner, filled, lastIsPartial }: SeriesLinesProps) {
  const places = placesOf(series.values, maximum, inner)
  const whole = lastIsPartial && places.length > 1 ? places.slice(0, -1) : places
  const [before, end] = lastIsPartial ? places.slice(-2) : []
  const stroke = strokes[series.tone]
  return (
    <g fill="none" strokeWidth="1.75" strokeLinejoin="round" strokeLinecap="round">
      {runsOf(whole).map((run) => (
        <g key={run[0]?.x}>
          {filled && <path d={areaPath(run, inner.height)} className="fill-series-ground" />}
          <path d={run.length > 1 ? linePath(run) : `${linePath(run)}h.01`} className={stroke} />
        </g>
      ))}
      {before && end && <path d={linePath([before, end])} className={stroke} strokeDasharray="1 4" />}
    </g>
  )
}

const writeOrMissing = (value: number | null, write: (value: number) => string): string =>
  value === null ? 'none' : write(value)

function anchorOf(x: number, width: number): 'start' | 'middle' | 'end' {
  if (x < 16) return 'start'
  return x > width - 16 ? 'end' : 'middle'
}
