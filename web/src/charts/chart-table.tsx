import { minuteOfDay } from '../format.ts'
import type { ChartSeries } from './time-chart.tsx'

interface ChartTableProps {
  caption: string
  times: readonly number[]
  series: readonly ChartSeries[]
  write: (value: number) => string
}

/** The same numbers as the chart, newest first. */
export function ChartTable({ caption, times, series, write }: ChartTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section aria-label={caption} tabIndex={0} className="max-h-72 overflow-auto">
      <table className="w-full text-sm">
        <caption className="sr-only">{caption}</caption>
        <thead className="sticky top-0 bg-inset text-left text-soft">
          <tr>
            <th scope="col" className="px-3 py-1.5 font-medium">
              Time
            </th>
            {series.map((one) => (
              <th key={one.name} scope="col" className="px-3 py-1.5 text-right font-medium">
                {one.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times.map((_, place) => {
            const index = times.length - 1 - place
            const time = times[index] ?? 0
            return (
              <tr key={time} className="border-t border-line">
                <th scope="row" className="px-3 py-1 text-left font-normal">
                  {minuteOfDay(time)}
                </th>
                {series.map((one) => {
                  const value = one.values[index] ?? null
                  return (
                    <td key={one.name} className="px-3 py-1 text-right">
                      {value === null ? '–' : write(value)}
                    </td>
                  )
                })}
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}
