import type { Config } from '../config/schema.ts'
import type { RouteCondition, RouteRule, RoutingTable } from '../core/routing.ts'

/** The operator's routes as the data plane decides by them. `offered`: names of the providers that can be called. */
export function routingTable({ routing, providers }: Config, offered: Iterable<string>): RoutingTable {
  return {
    aliases: routing.aliases,
    rules: routing.routes.map(toRule),
    defaultProvider: providers.default,
    providers: new Set(offered),
  }
}

function toRule({ name, when, targets }: Config['routing']['routes'][number]): RouteRule {
  const { headers, hours, ...conditions } = when
  return {
    name,
    when: {
      ...conditions,
      ...(headers !== undefined && { headers: lowerCaseNames(headers) }),
      ...(hours !== undefined && { minutes: minutesOf(hours) }),
    },
    targets: targets.map(({ provider, model, weight, priority, maxConcurrent }) => ({
      provider,
      model: model ?? null,
      weight,
      priority,
      maxConcurrent: maxConcurrent ?? null,
    })),
  }
}

const lowerCaseNames = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).map(([name, pattern]) => [name.toLowerCase(), pattern]))

/** `22:00-06:00`, checked by the schema. */
function minutesOf(hours: string): NonNullable<RouteCondition['minutes']> {
  const [from = '', to = ''] = hours.split('-')
  return { from: minuteOf(from), to: minuteOf(to) }
}

/** `08:05` as a minute of the day. */
export function minuteOf(time: string): number {
  const [hour = '0', minute = '0'] = time.split(':')
  return Number(hour) * 60 + Number(minute)
}

/** Minute of the day by the clock of a time zone; of the machine's where none is named. */
export function minuteOfDayIn(timeZone: string | undefined): (nowMs: number) => number {
  const format = new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(timeZone !== undefined && { timeZone }),
  })
  return (nowMs) => minuteOf(format.format(nowMs))
}
