/** What the routes must hold to beyond their shape: names that exist, conditions that can hold. */
import { carriesCredential, hoursPattern, type RoutingConfig, reservedRouteNames } from '../gateway/routing/config.ts'
import { configuredProviders } from '../providers/configured.ts'
import { didYouMean } from './did-you-mean.ts'
import type { Rule } from './load.ts'
import type { Config } from './schema.ts'

type Broken = ReturnType<Rule<Config>>
type Route = RoutingConfig['routes'][number]

export function routesFit({ providers, routing }: Config): Broken {
  const known = configuredProviders(providers).map(({ name }) => name)
  return [
    ...routing.routes.flatMap((route, at) => [
      ...nameFits(route, at, routing.routes),
      ...conditionsFit(route, `routing.routes.${at}.when`),
      ...targetsFit(route, `routing.routes.${at}.targets`, known),
    ]),
    ...aliasesFit(routing.aliases),
    ...zoneFits(routing.timeZone),
  ]
}

function nameFits({ name }: Route, at: number, routes: readonly Route[]): Broken {
  const path = `routing.routes.${at}.name`
  if (reservedRouteNames.includes(name))
    return [
      { path, text: `is "${name}", which is what the record says of calls that no route took. Choose another name.` },
    ]
  const first = routes.findIndex((route) => route.name === name)
  return first === at
    ? []
    : [
        {
          path,
          text: `is "${name}", the name of routing.routes.${first} as well: the record could not tell them apart.`,
        },
      ]
}

function conditionsFit({ when }: Route, path: string): Broken {
  const broken: { path: string; text: string }[] = []
  for (const name of Object.keys(when.headers ?? {}))
    if (carriesCredential(name))
      broken.push({
        path: `${path}.headers.${name}`,
        text: 'asks for a header that carries credentials: settings are shown and must not hold one. Use domains instead: each client key has its own.',
      })
  const { minInputTokens: min, maxInputTokens: max, hours } = when
  if (min !== undefined && max !== undefined && min > max)
    broken.push({ path: `${path}.minInputTokens`, text: `is ${min}, above maxInputTokens (${max}): no call is both.` })
  if (hours !== undefined && hoursPattern.test(hours)) {
    const [from, to] = hours.split('-')
    if (from === to)
      broken.push({
        path: `${path}.hours`,
        text: `is "${hours}", which is no time at all. Leave it out for the whole day.`,
      })
  }
  return broken
}

function targetsFit({ targets }: Route, path: string, known: readonly string[]): Broken {
  return targets.flatMap(({ provider, model }, at): Broken => {
    if (!known.includes(provider)) {
      const near = didYouMean(provider, known)
      const hint = near === undefined ? `There are: ${known.join(', ')}.` : `Did you mean ${near}?`
      return [
        { path: `${path}.${at}.provider`, text: `is ${JSON.stringify(provider)}, which names no provider. ${hint}` },
      ]
    }
    const first = targets.findIndex((other) => other.provider === provider && other.model === model)
    return first === at
      ? []
      : [{ path: `${path}.${at}`, text: `is the same target as ${path}.${first}: give that one the weight of both.` }]
  })
}

function aliasesFit(aliases: RoutingConfig['aliases']): Broken {
  return Object.entries(aliases).flatMap(([name, model]) => {
    const path = `routing.aliases.${name}`
    if (!Object.hasOwn(aliases, model)) return []
    return [
      {
        path,
        text:
          name === model
            ? 'stands for itself.'
            : `stands for "${model}", which is an alias itself. Name the model: aliases are looked up once.`,
      },
    ]
  })
}

function zoneFits(timeZone: string | undefined): Broken {
  if (timeZone === undefined) return []
  try {
    new Intl.DateTimeFormat('en', { timeZone })
    return []
  } catch {
    return [
      {
        path: 'routing.timeZone',
        text: `is ${JSON.stringify(timeZone)}, which is no time zone. Write it like Europe/Berlin or UTC.`,
      },
    ]
  }
}

/** No mistakes, since a machine may lack a key that others have; but calls will find such targets missing. */
export function routingWarnings({ providers, routing }: Config): readonly string[] {
  const all = new Map(configuredProviders(providers).map((one) => [one.name, one]))
  const isOffered = (name: string): boolean =>
    all.get(name)?.missing === null || (name === 'simulated' && providers.default === 'simulated')
  return routing.routes.flatMap(({ name, targets }) => {
    const missing = [...new Set(targets.map(({ provider }) => provider))].filter((provider) => !isOffered(provider))
    if (missing.length === 0) return []
    const needs = missing
      .map((provider) => `${provider} (needs ${all.get(provider)?.missing ?? 'a section'})`)
      .join(', ')
    return targets.every(({ provider }) => missing.includes(provider))
      ? [`The route “${name}” has no target that is offered, so its calls are refused: ${needs}.`]
      : [`The route “${name}” names targets that are not offered and are passed over: ${needs}.`]
  })
}
