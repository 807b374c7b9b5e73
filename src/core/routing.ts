/**
 * Where a call goes, as a pure decision: rules of the operator, facts of the request, an ordered list of targets. What is
 * healthy at the moment is decided later, target by target (gateway/routing).
 */

export interface RouteTarget {
  readonly provider: string
  /** The model's name at the provider; null for the one that was asked for. */
  readonly model: string | null
  /** Share among the targets of the same priority. */
  readonly weight: number
  /** Lower comes first; the next is taken only where all of the lower ones fail. */
  readonly priority: number
  /** Calls at once from this worker; null for no limit. */
  readonly maxConcurrent: number | null
}

/** All that are given must hold. Names are patterns: `*` stands for any text, case does not matter. */
export interface RouteCondition {
  readonly models?: readonly string[] | undefined
  readonly domains?: readonly string[] | undefined
  /** Lower-case header name to pattern; credentials can not be named. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly thinking?: boolean | undefined
  /** One of Claude Code's auxiliary calls: a small model, no tools. */
  readonly background?: boolean | undefined
  readonly images?: boolean | undefined
  readonly minInputTokens?: number | undefined
  readonly maxInputTokens?: number | undefined
  /** Minutes of the day, from (inclusive) and to (exclusive); over midnight where from is the later one. */
  readonly minutes?: { readonly from: number; readonly to: number } | undefined
}

export interface RouteRule {
  readonly name: string
  readonly when: RouteCondition
  readonly targets: readonly RouteTarget[]
}

export interface RoutingTable {
  /** Another name for a model, looked up before the rules. */
  readonly aliases: Readonly<Record<string, string>>
  readonly rules: readonly RouteRule[]
  /** Takes what no rule claims. */
  readonly defaultProvider: string
  /** The providers that are offered; a caller may name one of them: `provider/model` or `provider,model`. */
  readonly providers: ReadonlySet<string>
}

/** What a request is, as far as rules may ask. The expensive facts are functions: most tables never ask. */
export interface RequestFacts {
  readonly model: string | null
  readonly domain: string
  header(lowerName: string): string | undefined
  /** Minute of the day in the operator's time zone. */
  minuteOfDay(): number
  inputTokens(): number
  thinking(): boolean
  background(): boolean
  images(): boolean
  /** Calls with the same key go to the same target as long as it is there: its prompt cache holds their conversation. */
  readonly stickyKey: string
}

export interface ChosenTarget extends RouteTarget {
  /** The model to ask for; null where the call names none. */
  readonly model: string | null
}

export interface RouteDecision {
  /** The rule's name; `explicit` where the caller named the provider, `default` where no rule claimed the call. */
  readonly rule: string
  /** What decided: the spelling of the model's name, a rule, or nothing. */
  readonly by: 'name' | 'rule' | 'default'
  /** In the order to try them; never empty. */
  readonly targets: readonly ChosenTarget[]
}

const alone = { weight: 1, priority: 0, maxConcurrent: null }

export function decideRoute(table: RoutingTable, facts: RequestFacts): RouteDecision {
  const asked = facts.model
  const named = asked === null ? null : namedProvider(asked, table.providers)
  if (named !== null) return { rule: 'explicit', by: 'name', targets: [{ ...alone, ...named }] }
  const model = asked === null ? null : aliased(table, asked)
  // An alias may point at a provider's model as well.
  const other = model === null || model === asked ? null : namedProvider(model, table.providers)
  if (other !== null) return { rule: 'alias', by: 'name', targets: [{ ...alone, ...other }] }
  for (const rule of table.rules) {
    if (!holds(rule.when, model, facts)) continue
    const targets = inOrder(rule.targets, facts.stickyKey)
    return {
      rule: rule.name,
      by: 'rule',
      targets: targets.map((target) => ({ ...target, model: target.model ?? model })),
    }
  }
  return { rule: 'default', by: 'default', targets: [{ ...alone, provider: table.defaultProvider, model }] }
}

/** `provider/model` and `provider,model`; models have slashes of their own, so only an offered provider's name counts. */
function namedProvider(asked: string, providers: ReadonlySet<string>): { provider: string; model: string } | null {
  const at = asked.search(/[/,]/)
  if (at <= 0 || at === asked.length - 1) return null
  const provider = asked.slice(0, at)
  return providers.has(provider) ? { provider, model: asked.slice(at + 1).trim() } : null
}

/** One question of a rule; `found` tells in words what the request has. */
interface Condition {
  readonly name: keyof RouteCondition
  fails(when: RouteCondition, model: string | null, facts: RequestFacts): boolean
  found(when: RouteCondition, model: string | null, facts: RequestFacts): string
}

const failingHeader = (when: RouteCondition, facts: RequestFacts): string | undefined =>
  Object.entries(when.headers ?? {}).find(([name, pattern]) => {
    const value = facts.header(name)
    return value === undefined || !matches(pattern, value)
  })?.[0]

/** In the order in which they are asked: cheap ones first, those that read the body last. */
const conditions: readonly Condition[] = [
  {
    name: 'models',
    fails: ({ models }, model) => models !== undefined && (model === null || !matchesOne(models, model)),
    found: (_, model) => model ?? 'no model',
  },
  {
    name: 'domains',
    fails: ({ domains }, _, facts) => domains !== undefined && !matchesOne(domains, facts.domain),
    found: (_, __, facts) => facts.domain,
  },
  {
    name: 'headers',
    fails: (when, _, facts) => when.headers !== undefined && failingHeader(when, facts) !== undefined,
    found(when, _, facts) {
      const name = failingHeader(when, facts) ?? ''
      return `${name}: ${facts.header(name) ?? 'not sent'}`
    },
  },
  {
    name: 'minutes',
    fails: ({ minutes }, _, facts) => minutes !== undefined && !isWithin(facts.minuteOfDay(), minutes),
    found: (_, __, facts) => timeOfDay(facts.minuteOfDay()),
  },
  {
    name: 'minInputTokens',
    fails: ({ minInputTokens }, _, facts) => minInputTokens !== undefined && facts.inputTokens() < minInputTokens,
    found: (_, __, facts) => String(facts.inputTokens()),
  },
  {
    name: 'maxInputTokens',
    fails: ({ maxInputTokens }, _, facts) => maxInputTokens !== undefined && facts.inputTokens() > maxInputTokens,
    found: (_, __, facts) => String(facts.inputTokens()),
  },
  {
    name: 'thinking',
    fails: ({ thinking }, _, facts) => thinking !== undefined && facts.thinking() !== thinking,
    found: (_, __, facts) => String(facts.thinking()),
  },
  {
    name: 'background',
    fails: ({ background }, _, facts) => background !== undefined && facts.background() !== background,
    found: (_, __, facts) => String(facts.background()),
  },
  {
    name: 'images',
    fails: ({ images }, _, facts) => images !== undefined && facts.images() !== images,
    found: (_, __, facts) => String(facts.images()),
  },
]

const holds = (when: RouteCondition, model: string | null, facts: RequestFacts): boolean =>
  !conditions.some((condition) => condition.fails(when, model, facts))

/** A condition that did not hold: what the rule wants, and what the request has. */
export interface FailedCondition {
  readonly condition: keyof RouteCondition
  readonly found: string
}

export interface RouteExplanation {
  /** What the name of the model said before any rule was asked: the caller named a provider, or an alias stood for it. */
  readonly spelling: 'explicit' | 'alias' | 'plain'
  /** The model that the rules were asked about; null where the call names none. */
  readonly model: string | null
  /** All of them, in order. Those behind the one that decided are not reached; where the name decided, none is. */
  readonly rules: readonly {
    readonly name: string
    readonly verdict: 'chosen' | 'does not hold' | 'not reached'
    readonly failed: readonly FailedCondition[]
  }[]
  readonly decision: RouteDecision
}

/** The same decision as `decideRoute`, and why: for people, as it asks every condition. */
export function explainRoute(table: RoutingTable, facts: RequestFacts): RouteExplanation {
  const decision = decideRoute(table, facts)
  const model = facts.model === null ? null : aliased(table, facts.model)
  const namesProvider = decision.by === 'name'
  let reached = !namesProvider
  const rules = table.rules.map(({ name, when }) => {
    if (!reached) return { name, verdict: 'not reached' as const, failed: [] }
    const failed = conditions
      .filter((condition) => condition.fails(when, model, facts))
      .map((condition) => ({ condition: condition.name, found: condition.found(when, model, facts) }))
    reached = failed.length > 0
    return { name, verdict: reached ? ('does not hold' as const) : ('chosen' as const), failed }
  })
  const spelling =
    namesProvider && decision.rule === 'explicit' ? 'explicit' : model === facts.model ? 'plain' : 'alias'
  return { spelling, model, rules, decision }
}

/** `08:05` */
export const timeOfDay = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`

/** Own names only: callers may ask for a model called `constructor`. */
const aliased = ({ aliases }: RoutingTable, asked: string): string =>
  (Object.hasOwn(aliases, asked) ? aliases[asked] : undefined) ?? asked

const matchesOne = (patterns: readonly string[], text: string): boolean =>
  patterns.some((pattern) => matches(pattern, text))

/** `*` stands for any text. Walked by hand: patterns are the operator's, texts are anybody's, and a regular expression of several stars may take for ever. */
export function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.toLowerCase().split('*')
  const value = text.toLowerCase()
  if (rest.length === 0) return value === first
  if (!value.startsWith(first)) return false
  let at = first.length
  const last = rest.pop() ?? ''
  for (const part of rest) {
    const found = value.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return value.length - last.length >= at && value.endsWith(last)
}

const isWithin = (minute: number, { from, to }: { readonly from: number; readonly to: number }): boolean =>
  from <= to ? minute >= from && minute < to : minute >= from || minute < to

/**
 * By priority, then by weighted rendezvous hashing (Thaler and Ravishankar, 1998) of the sticky key: every worker of every
 * machine, and the next one after a restart, sends a session to the same target without a word between them; when a
 * target goes, only its own sessions move; and shares come out by weight.
 */
function inOrder(targets: readonly RouteTarget[], stickyKey: string): readonly RouteTarget[] {
  if (targets.length < 2) return targets
  return targets
    .map((target) => ({ target, score: score(target, stickyKey) }))
    .sort((a, b) => a.target.priority - b.target.priority || b.score - a.score)
    .map(({ target }) => target)
}

const score = (target: RouteTarget, key: string): number =>
  -target.weight / Math.log(unitHash(`${key}\n${target.provider}\n${target.model ?? ''}`))

/** A hash as a number between 0 and 1, both excluded: FNV-1a with a finish that spreads its weak high bits. */
function unitHash(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000 + 1e-10
}
