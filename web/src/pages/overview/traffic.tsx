import { useQuery } from '@tanstack/react-query'
import type { Timeline } from '../../../../src/contract/timeline.ts'
import { timelineQuery } from '../../api/queries.ts'
import { ChartTable } from '../../charts/chart-table.tsx'
import { factsOf } from '../../charts/scale.ts'
import { type ChartSeries, TimeChart } from '../../charts/time-chart.tsx'
import { type RangeName, ranges } from '../../time-range.ts'
import { Button } from '../../ui/button.tsx'
import { Panel, PanelError, Skeleton } from '../../ui/panel.tsx'
import { isLastPartial, rate } from './figures.ts'

interface TrafficProps {
  range: RangeName
  domain: string | undefined
  asTable: boolean
  onView: (asTable: boolean) => void
}

export function Traffic({ range, domain, asTable, onView }: TrafficProps) {
  const timeline = useQuery(timelineQuery(range, domain))
  const { data } = timeline
  const tools = (
    <Button onClick={() => onView(!asTable)} aria-pressed={asTable}>
      View as table
    </Button>
  )
  return (
    <Panel title="Requests a minute" note={<Legend />} tools={tools}>
      {data === undefined ? (
        timeline.isError ? (
          <PanelError error={timeline.error} onRetry={() => void timeline.refetch()} />
        ) : (
          <Skeleton className="m-3 h-[11.5rem]" />
        )
      ) : (
        <Drawn timeline={data} rangeName={ranges[range].name} asTable={asTable} />
      )}
    </Panel>
  )
}

function Drawn({ timeline, rangeName, asTable }: { timeline: Timeline; rangeName: string; asTable: boolean }) {
  const times = timeline.points.map((point) => Date.parse(point.at))
  const series = seriesOf(timeline)
  const name = 'Requests a minute'
  if (asTable)
    return <ChartTable caption={`${name}, ${rangeName.toLowerCase()}`} times={times} series={series} write={rate} />
  return (
    <TimeChart
      name={name}
      summary={summaryOf(timeline, series, rangeName)}
      times={times}
      series={series}
      write={rate}
      lastIsPartial={isLastPartial(timeline)}
    />
  )
}

/** Rates a minute whatever the step, so that ranges compare. */
function seriesOf({ points, step_seconds: step }: Timeline): readonly ChartSeries[] {
  const perMinute = (value: number): number => (value * 60) / step
  return [
    { name: 'Requests', values: points.map((point) => perMinute(point.requests)), tone: 'series' },
    { name: 'Errors', values: points.map((point) => perMinute(point.errors)), tone: 'danger' },
  ]
}

function summaryOf(timeline: Timeline, [requests, errors]: readonly ChartSeries[], rangeName: string): string {
  const whole = isLastPartial(timeline) ? requests?.values.slice(0, -1) : requests?.values
  const facts = factsOf(whole ?? [])
  const failed = timeline.points.reduce((sum, point) => sum + point.errors, 0)
  if (facts === null || errors === undefined) return `${rangeName}: no data.`
  const line = `${rangeName}: ${rate(facts.last)} now, between ${rate(facts.least)} and ${rate(facts.most)}, ${facts.trend}.`
  return `${line} ${failed === 0 ? 'No errors.' : `${failed} ${failed === 1 ? 'error' : 'errors'}.`}`
}

function Legend() {
  return (
    <span className="flex gap-3">
      <span className="flex items-center gap-1.5">
        <span aria-hidden="true" className="h-2.5 w-4 border-t-2 border-series bg-series-ground" />
        Requests
      </span>
      <span className="flex items-center gap-1.5">
        <span aria-hidden="true" className="w-4 border-t-2 border-danger" />
        Errors
      </span>
    </span>
  )
}
