import { areaPath, linePath, niceMaximum, placesOf, runsOf } from './scale.ts'

const box = { width: 120, height: 28 }

/** The shape of a figure over the range. Decoration: the chart and its table have the numbers. */
export function Sparkline({ values, tone }: { values: readonly (number | null)[]; tone: 'series' | 'danger' }) {
  const known = values.filter((value) => value !== null)
  const places = placesOf(values, niceMaximum(Math.max(0, ...known)), box)
  const runs = runsOf(places)
  const colour = tone === 'danger' ? 'text-danger' : 'text-series'
  return (
    <svg
      viewBox={`0 -2 ${box.width} ${box.height + 4}`}
      preserveAspectRatio="none"
      aria-hidden="true"
      className={`h-8 w-full ${colour}`}
    >
      <line
        x1="0"
        x2={box.width}
        y1={box.height}
        y2={box.height}
        className="stroke-line"
        vectorEffect="non-scaling-stroke"
      />
      {runs.map((run) => (
        <g key={run[0]?.x}>
          <path d={areaPath(run, box.height)} fill="currentColor" opacity=".14" />
          <path
            // A single value is a line of no length, drawn as a dot by its round cap.
            d={run.length > 1 ? linePath(run) : `${linePath(run)}h.01`}
            fill="none"
            stroke="currentColor"
            strokeWidth={run.length > 1 ? 1.5 : 4}
            strokeLinecap="round"
            vectorEffect="non-scaling-stroke"
          />
        </g>
      ))}
    </svg>
  )
}
