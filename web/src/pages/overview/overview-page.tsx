import { useQuery } from '@tanstack/react-query'
import { useNavigate, useRouteContext, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'
import type { Stats } from '../../../../src/contract/stats.ts'
import { ApiFailure } from '../../api/client.ts'
import { LiveProvider, useLive, usePause } from '../../api/live-context.tsx'
import { everQuery, setupQuery, statsQuery, timelineQuery } from '../../api/queries.ts'
import { useFreshFigures } from '../../api/use-fresh-figures.ts'
import { count, fullTime } from '../../format.ts'
import { type OverviewSearch, paths } from '../../paths.ts'
import { type RangeName, rangeNames, ranges } from '../../time-range.ts'
import { Button } from '../../ui/button.tsx'
import { Lamp } from '../../ui/lamp.tsx'
import { Panel, PanelError } from '../../ui/panel.tsx'
import { Segments } from '../../ui/segments.tsx'
import { Select } from '../../ui/select.tsx'
import { Shell } from '../../ui/shell.tsx'
import { Board } from '../board.tsx'
import { CallDrawer } from './call-drawer.tsx'
import { Calls } from './calls.tsx'
import { behindSince, type Verdict, verdictOf } from './figures.ts'
import { OpenCalls } from './open-calls.tsx'
import { SetupGuide } from './setup-guide.tsx'
import { Tiles } from './tiles.tsx'
import { Traffic } from './traffic.tsx'

export function OverviewPage() {
  const { live } = useRouteContext({ from: paths.overview })
  return (
    <LiveProvider store={live}>
      <Overview />
    </LiveProvider>
  )
}

const defaultRange: RangeName = '15m'

function Overview() {
  const search = useSearch({ from: paths.overview })
  const range = search.range ?? defaultRange
  const { domain } = search
  const onSearch = useChangeSearch()
  useFreshFigures(range)
  const stats = useQuery(statsQuery(range, domain))
  const timeline = useQuery(timelineQuery(range, domain))
  const setup = useQuery(setupQuery)
  const heard = useLive((state) => state.recent.length + state.openTotal > 0)
  const quiet = stats.data?.now.total_requests === 0 && domain === undefined && !heard
  const ever = useQuery({ ...everQuery, enabled: quiet })
  const isNew = quiet && ever.data === false
  const summary = useLive((state) => state.recent.find((one) => one.id === search.call))
  const models = (stats.data?.now.by_model ?? []).flatMap((row) => row.model ?? [])
  const domains = (stats.data?.now.by_domain ?? []).map((row) => row.domain)

  return (
    <Shell
      board={<Board />}
      footer={setup.data && `Signalbox ${setup.data.version}${setup.data.demo ? ', with simulated traffic' : ''}`}
    >
      <title>Overview · Signalbox</title>
      <div className="grid gap-3">
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <div className="min-w-0 flex-1 basis-72">
            <h1 className="sr-only">Overview</h1>
            <VerdictLine stats={stats.data?.now} error={stats.error} isNew={isNew} />
          </div>
          <div className="flex flex-wrap items-center gap-2">
            {setup.data?.demo && <span className="rounded-sm bg-brass-ground px-2 py-1 text-sm">Demo traffic</span>}
            <Select
              label="Domain"
              value={domain}
              all="All domains"
              options={domains}
              onChange={(value) => onSearch({ domain: value })}
            />
            <Segments
              label="Range"
              value={range}
              options={rangeNames.map((value) => ({ value, text: ranges[value].label, name: ranges[value].name }))}
              onChange={(value) => onSearch({ range: value === defaultRange ? undefined : value })}
            />
            <PauseButton />
          </div>
        </div>
        {isNew ? (
          <SetupGuide />
        ) : (
          <>
            {stats.isError && stats.data === undefined ? (
              <Panel title="Main figures">
                <PanelError error={stats.error} onRetry={() => void stats.refetch()} />
              </Panel>
            ) : (
              <Tiles
                stats={stats.data}
                timeline={timeline.data}
                before={`the ${ranges[range].name.toLowerCase().replace('last ', '')} before`}
              />
            )}
            {stats.data !== undefined &&
              (stats.isRefetchError ? (
                <StaleNote from={stats.dataUpdatedAt} />
              ) : (
                <BehindNote completeTo={behindSince(stats.data.now)} />
              ))}
            <div className="grid items-start gap-3 lg:grid-cols-[minmax(0,1fr)_20rem] 2xl:grid-cols-[minmax(0,1fr)_24rem]">
              <div className="grid min-w-0 gap-3">
                <Traffic
                  range={range}
                  domain={domain}
                  asTable={search.view === 'table'}
                  onView={(table) => onSearch({ view: table ? 'table' : undefined })}
                />
                <Calls range={range} search={search} models={models} onSearch={onSearch} />
              </div>
              <div className="min-w-0 max-lg:-order-1">
                <OpenCalls domain={domain} />
              </div>
            </div>
          </>
        )}
      </div>
      {search.call !== undefined && (
        <CallDrawer
          key={search.call}
          id={search.call}
          summary={summary}
          onClose={() => onSearch({ call: undefined })}
        />
      )}
    </Shell>
  )
}

/** The search parameters are the state of the page: a change is a step in the history. */
function useChangeSearch(): (change: Partial<OverviewSearch>) => void {
  const navigate = useNavigate({ from: paths.overview })
  return useCallback(
    (change) => void navigate({ search: (search) => ({ ...search, ...change }), resetScroll: false }),
    [navigate],
  )
}

interface VerdictLineProps {
  stats: Stats | undefined
  error: unknown
  isNew: boolean
}

function VerdictLine({ stats, error, isNew }: VerdictLineProps) {
  const { aspect, text } = sentenceOf(stats, error, isNew)
  return (
    <p className="flex items-baseline gap-2.5 text-base font-medium sm:text-lg">
      <span className="translate-y-px">
        <Lamp aspect={aspect} lit />
      </span>
      {text}
    </p>
  )
}

function sentenceOf(stats: Stats | undefined, error: unknown, isNew: boolean): Verdict {
  if (isNew) return { aspect: 'off', text: 'Ready for the first call.' }
  if (stats !== undefined) return verdictOf(stats)
  if (error instanceof ApiFailure && error.status === 0) return { aspect: 'danger', text: error.message }
  if (error !== null) return { aspect: 'danger', text: 'The ledger does not answer. Live calls still show up below.' }
  return { aspect: 'off', text: 'Reading the ledger.' }
}

function StaleNote({ from }: { from: number }) {
  return (
    <p role="status" className="flex items-center gap-2 text-sm">
      <Lamp aspect="caution" />
      The ledger does not answer: these figures are from {fullTime(from)}.
    </p>
  )
}

function BehindNote({ completeTo }: { completeTo: number | null }) {
  if (completeTo === null) return null
  return (
    <p role="status" className="flex items-center gap-2 text-sm">
      <Lamp aspect="caution" />
      The ledger is behind: these figures are complete up to {fullTime(completeTo)}. Nothing is lost; the rest is in the
      journal.
    </p>
  )
}

function PauseButton() {
  const paused = useLive((state) => state.paused)
  const missed = useLive((state) => state.missed)
  const pause = usePause()
  if (!paused) return <Button onClick={() => pause(true)}>Pause</Button>
  return (
    <>
      <span className="text-sm">paused, {count(missed)} new</span>
      <Button kind="brass" onClick={() => pause(false)}>
        Resume
      </Button>
    </>
  )
}
