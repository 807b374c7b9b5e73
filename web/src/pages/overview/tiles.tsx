import type { Stats } from '../../../../src/contract/stats.ts'
import type { Timeline } from '../../../../src/contract/timeline.ts'
import { Sparkline } from '../../charts/sparkline.tsx'
import { Skeleton } from '../../ui/panel.tsx'
import { type Tile, tilesOf } from './figures.ts'

interface TilesProps {
  stats: { readonly now: Stats; readonly previous: Stats } | undefined
  timeline: Timeline | undefined
  /** "the 15 minutes before" */
  before: string
}

/** The six main figures on one board, so that they read as one line. */
export function Tiles({ stats, timeline, before }: TilesProps) {
  const frame =
    'grid grid-cols-2 gap-px overflow-hidden rounded-sm border border-line bg-line md:grid-cols-3 xl:grid-cols-6'
  if (stats === undefined) {
    return (
      <div className={frame} role="status" aria-label="Loading the main figures">
        {Array.from({ length: 6 }, (_, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same and never move.
          <div key={place} className="h-26 bg-panel px-3 pt-2.5">
            <Skeleton className="h-4 w-24" />
            <Skeleton className="mt-1.5 h-7 w-16" />
          </div>
        ))}
      </div>
    )
  }
  return (
    <ul className={frame} aria-label="Main figures">
      {tilesOf(stats.now, stats.previous, timeline).map((tile) => (
        <TileBox key={tile.name} tile={tile} before={before} />
      ))}
    </ul>
  )
}

function TileBox({ tile, before }: { tile: Tile; before: string }) {
  const tone = tile.better === null ? 'text-soft' : tile.better ? 'text-clear' : 'text-danger'
  return (
    <li className="flex h-26 min-w-0 flex-col bg-panel px-3 pt-2.5">
      <p className="label">{tile.name}</p>
      <p className="mt-0.5 flex flex-wrap items-baseline gap-x-2">
        <span className="text-[1.625rem] leading-8 font-semibold">
          {tile.text ?? (
            <>
              <span aria-hidden="true" className="text-soft">
                –
              </span>
              <span className="sr-only">no data</span>
            </>
          )}
        </span>
        {tile.change !== null && (
          <span className={`text-sm ${tone}`}>
            {tile.change}
            <span className="sr-only"> against {before}</span>
          </span>
        )}
      </p>
      <div className="-mx-3 mt-auto pt-1.5">
        <Sparkline values={tile.values} tone={tile.tone} />
      </div>
    </li>
  )
}
