/** Preparing data for drawing. Pure; a drawing never computes. */

/** The next number up that people can read, and halve. */
export function niceMaximum(largest: number): number {
  if (!(largest > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(largest))
  const step = [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10].find((one) => one * power >= largest) ?? 10
  return step * power
}

export interface Place {
  readonly x: number
  readonly y: number
}

/** Places of the values in a box, zero at its bottom; null where a value is missing. One value stands in the middle. */
export function placesOf(
  values: readonly (number | null)[],
  maximum: number,
  box: { readonly width: number; readonly height: number },
): (Place | null)[] {
  const gap = values.length > 1 ? box.width / (values.length - 1) : 0
  return values.map((value, index) => {
    if (value === null) return null
    return { x: values.length > 1 ? index * gap : box.width / 2, y: box.height - (value / maximum) * box.height }
  })
}

/** Runs of places without a gap, so that a missing value breaks the line. */
export function runsOf(places: readonly (Place | null)[]): Place[][] {
  const runs: Place[][] = []
  let run: Place[] = []
  for (const place of places) {
    if (place !== null) run.push(place)
    else if (run.length > 0) {
      runs.push(run)
      run = []
    }
  }
  return run.length > 0 ? [...runs, run] : runs
}

const at = ({ x, y }: Place): string => `${round(x)} ${round(y)}`

/** Straight segments: a smoothed line shows values that never were. */
export const linePath = (places: readonly Place[]): string =>
  places.map((place, index) => `${index === 0 ? 'M' : 'L'}${at(place)}`).join('')

export function areaPath(places: readonly Place[], floor: number): string {
  const [first] = places
  const last = places.at(-1)
  if (first === undefined || last === undefined) return ''
  return `${linePath(places)}L${round(last.x)} ${floor}L${round(first.x)} ${floor}Z`
}

const round = (value: number): number => Math.round(value * 100) / 100

export interface SeriesFacts {
  readonly last: number
  readonly least: number
  readonly most: number
  readonly trend: 'rising' | 'falling' | 'steady'
}

/** For the summary sentence. The trend compares the means of the later and the earlier half. */
export function factsOf(values: readonly (number | null)[]): SeriesFacts | null {
  const known = values.filter((value) => value !== null)
  const last = known.at(-1)
  if (last === undefined) return null
  const half = Math.floor(known.length / 2)
  const mean = (part: readonly number[]): number => part.reduce((sum, one) => sum + one, 0) / Math.max(part.length, 1)
  const earlier = mean(known.slice(0, half))
  const later = mean(known.slice(half))
  const most = Math.max(...known)
  const trend = later > earlier * 1.15 ? 'rising' : later < earlier * 0.85 ? 'falling' : 'steady'
  return { last, least: Math.min(...known), most, trend: half === 0 ? 'steady' : trend }
}

/** Indexes of about `wanted` axis labels, on steps whose clock time is round. */
export function tickIndexes(times: readonly number[], wanted: number): number[] {
  const first = times[0]
  const last = times.at(-1)
  if (first === undefined || last === undefined) return []
  const minutes = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 10_080]
  const stepMs = (minutes.find((one) => (last - first) / (one * 60_000) <= wanted) ?? 10_080) * 60_000
  // Whole hours of the reader's zone, which may be off by thirty minutes.
  const zoneMs = new Date(first).getTimezoneOffset() * 60_000
  return times.flatMap((time, index) => ((time - zoneMs) % stepMs === 0 ? [index] : []))
}
