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
  /** In the order to try them; never empty. */
  readonly targets: readonly ChosenTarget[]
}

const alone = { weight: 1, priority: 0, maxConcurrent: null }

export function decideRoute(table: RoutingTable, facts: RequestFacts): RouteDecision {
  const asked = facts.model
  const named = asked === null ? null : namedProvider(asked, table.providers)
  if (named !== null) return { rule: 'explicit', targets: [{ ...alone, ...named }] }
  const model = asked === null ? null : (table.aliases[asked] ?? asked)
  // An alias may point at a provider's model as well.
  const aliased = model === null || model === asked ? null : namedProvider(model, table.providers)
  if (aliased !== null) return { rule: 'alias', targets: [{ ...alone, ...aliased }] }
  for (const rule of table.rules) {
    if (!holds(rule.when, model, facts)) continue
    const targets = inOrder(rule.targets, facts.stickyKey)
    return { rule: rule.name, targets: targets.map((target) => ({ ...target, model: target.model ?? model })) }
  }
  return { rule: 'default', targets: [{ ...alone, provider: table.defaultProvider, model }] }
}

/** `provider/model` and `provider,model`; models have slashes of their own, so only an offered provider's name counts. */
function namedProvider(asked: string, providers: ReadonlySet<string>): { provider: string; model: string } | null {
  const at = asked.search(/[/,]/)
  if (at <= 0 || at === asked.length - 1) return null
  const provider = asked.slice(0, at)
  return providers.has(provider) ? { provider, model: asked.slice(at + 1).trim() } : null
}

function holds(when: RouteCondition, model: string | null, facts: RequestFacts): boolean {
  if (when.models !== undefined && (model === null || !matchesOne(when.models, model))) return false
  if (when.domains !== undefined && !matchesOne(when.domains, facts.domain)) return false
  for (const [name, pattern] of Object.entries(when.headers ?? {})) {
    const value = facts.header(name)
    if (value === undefined || !matches(pattern, value)) return false
  }
  if (when.minutes !== undefined && !isWithin(facts.minuteOfDay(), when.minutes)) return false
  if (when.minInputTokens !== undefined && facts.inputTokens() < when.minInputTokens) return false
  if (when.maxInputTokens !== undefined && facts.inputTokens() > when.maxInputTokens) return false
  if (when.thinking !== undefined && facts.thinking() !== when.thinking) return false
  if (when.background !== undefined && facts.background() !== when.background) return false
  return when.images === undefined || facts.images() === when.images
}

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
