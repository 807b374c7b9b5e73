/** ISO 8601 in local time with its offset, `2026-11-22T14:03:07.412+01:00`. */
export type LocalTime = (epochMs: number) => string

/** Minutes east of UTC at an instant. */
export type OffsetMinutes = (epochMs: number) => number

const systemOffset: OffsetMinutes = (epochMs) => -new Date(epochMs).getTimezoneOffset()

// Exchanges begin and end in different minutes; a stream of ten minutes must not push the running minute out.
const cachedMinutes = 16

/**
 * Formats instants, with all but seconds and milliseconds kept by the minute: asking for the zone's offset costs ten
 * times as much as the rest. Offsets of today's zones are whole minutes and change on a full minute.
 */
export function createLocalTime(offsetMinutes: OffsetMinutes = systemOffset): LocalTime {
  const kept: { minute: number; head: string; tail: string }[] = []
  return (epochMs) => {
    const minute = Math.floor(epochMs / 60_000)
    const slot = ((minute % cachedMinutes) + cachedMinutes) % cachedMinutes
    let entry = kept[slot]
    if (entry === undefined || entry.minute !== minute) {
      entry = { minute, ...frame(minute * 60_000, offsetMinutes(minute * 60_000)) }
      kept[slot] = entry
    }
    const rest = Math.floor(epochMs) - minute * 60_000
    const seconds = Math.floor(rest / 1000)
    return `${entry.head}${pad(seconds, 2)}.${pad(rest - seconds * 1000, 3)}${entry.tail}`
  }
}

function frame(minuteMs: number, offset: number): { head: string; tail: string } {
  const size = Math.abs(offset)
  return {
    head: new Date(minuteMs + offset * 60_000).toISOString().slice(0, 'YYYY-MM-DDTHH:MM:'.length),
    tail: `${offset < 0 ? '-' : '+'}${pad(Math.floor(size / 60), 2)}:${pad(size % 60, 2)}`,
  }
}

function pad(value: number, length: number): string {
  return String(value).padStart(length, '0')
}
