// Also here, so that the part of the page that is fetched later keeps it in front of every schema.
import '../../strict-policy.ts'
import { useQuery } from '@tanstack/react-query'
import { useRouteContext } from '@tanstack/react-router'
import type { Database } from '../../../../src/contract/database.ts'
import { LiveProvider } from '../../api/live-context.tsx'
import { databaseQuery, setupQuery } from '../../api/queries.ts'
import { fullTime, roughly } from '../../format.ts'
import { paths } from '../../paths.ts'
import { Missing } from '../../ui/facts.tsx'
import { Lamp } from '../../ui/lamp.tsx'
import { Panel, PanelError, Skeleton } from '../../ui/panel.tsx'
import { Shell } from '../../ui/shell.tsx'
import { useNow } from '../../ui/use-now.ts'
import { Board } from '../board.tsx'
import { Attention } from './attention.tsx'
import { Activity, Connections, Copies, Counters, WriteAhead } from './server-panels.tsx'
import { Statements } from './statements-panel.tsx'
import { Indexes, Partitions, Tables } from './storage-panels.tsx'
import { type SummaryTile, sentenceOf, tilesOf } from './summary.ts'
import { Jobs, Process, Recording, ServerFacts } from './work-panels.tsx'

export function DatabasePage() {
  const { live } = useRouteContext({ from: paths.database })
  const setup = useQuery(setupQuery)
  return (
    <LiveProvider store={live}>
      <Shell
        board={<Board />}
        footer={setup.data && `Signalbox ${setup.data.version}${setup.data.demo ? ', with simulated traffic' : ''}`}
      >
        <title>Database · Signalbox</title>
        <h1 className="sr-only">Database</h1>
        <DatabaseHealth />
      </Shell>
    </LiveProvider>
  )
}

function DatabaseHealth() {
  const { data, error, isError, isRefetchError, dataUpdatedAt, refetch } = useQuery(databaseQuery)
  if (data === undefined) {
    if (!isError) return <Loading />
    return (
      <Panel title="The database’s health">
        <PanelError error={error} onRetry={() => void refetch()} />
      </Panel>
    )
  }
  return (
    <div className="grid gap-3">
      <Top data={data} />
      {isRefetchError && (
        <p role="status" className="flex items-center gap-2 text-sm">
          <Lamp aspect="caution" />
          The dashboard does not answer: these figures are from {fullTime(dataUpdatedAt)}.
        </p>
      )}
      <Attention data={data} />
      <div className="grid items-start gap-3 md:grid-cols-2 xl:grid-cols-3">
        <Connections data={data} />
        <Counters data={data} />
        <WriteAhead data={data} />
      </div>
      <Activity data={data} />
      <Tables data={data} />
      <Partitions data={data} />
      <Statements data={data} />
      <Jobs data={data} />
      <div className="grid items-start gap-3 md:grid-cols-2 xl:grid-cols-4">
        <Recording data={data} />
        <Process data={data} />
        <Copies data={data} />
        <ServerFacts data={data} />
      </div>
      <Indexes data={data} />
    </div>
  )
}

function Top({ data }: { data: Database }) {
  const now = useNow()
  const { aspect, text } = sentenceOf(data)
  return (
    <>
      <div className="flex flex-wrap items-baseline gap-x-4 gap-y-1">
        <p className="flex min-w-0 flex-1 basis-72 items-baseline gap-2.5 text-base font-medium sm:text-lg">
          <span className="translate-y-px">
            <Lamp aspect={aspect} lit />
          </span>
          {text}
        </p>
        <p className="text-sm text-soft">Read {roughly(Math.max(0, now - Date.parse(data.taken_at)))} ago</p>
      </div>
      <ul
        aria-label="Main figures"
        className="grid grid-cols-2 gap-px overflow-hidden rounded-sm border border-line bg-line md:grid-cols-3 xl:grid-cols-6"
      >
        {tilesOf(data, now).map((tile) => (
          <TileBox key={tile.name} tile={tile} />
        ))}
      </ul>
    </>
  )
}

function TileBox({ tile }: { tile: SummaryTile }) {
  return (
    <li className="flex min-w-0 flex-col bg-panel px-3 py-2.5">
      <p className="label flex items-center gap-1.5">
        <Lamp aspect={tile.aspect} />
        {tile.name}
      </p>
      <p className="mt-0.5 text-xl leading-8 font-semibold sm:text-[1.5rem]">{tile.text ?? <Missing />}</p>
      <p className="text-[0.8125rem] break-words text-soft">{tile.note}</p>
    </li>
  )
}

function Loading() {
  return (
    <div role="status" aria-label="Reading the database’s health" className="grid gap-3">
      <Skeleton className="h-7 w-72" />
      <Skeleton className="h-24" />
      <div className="grid gap-3 md:grid-cols-2 xl:grid-cols-3">
        {['a', 'b', 'c'].map((key) => (
          <Skeleton key={key} className="h-72" />
        ))}
      </div>
      <Skeleton className="h-48" />
    </div>
  )
}
