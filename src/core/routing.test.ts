import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideRoute, explainRoute, matches, type RequestFacts, type RouteRule, type RoutingTable } from './routing.ts'

const target = { provider: 'openai', model: null, weight: 1, priority: 0, maxConcurrent: null }
const rule = (name: string, when: RouteRule['when'], targets: RouteRule['targets'] = [target]): RouteRule => ({
  name,
  when,
  targets,
})
const table = (rules: readonly RouteRule[], aliases: Record<string, string> = {}): RoutingTable => ({
  aliases,
  rules,
  defaultProvider: 'anthropic',
  providers: new Set(['anthropic', 'openai', 'openrouter', 'groq']),
})
const facts = (changes: Partial<RequestFacts> = {}): RequestFacts => ({
  model: 'claude-opus-5',
  domain: 'web',
  header: () => undefined,
  minuteOfDay: () => 600,
  inputTokens: () => 1000,
  thinking: () => false,
  background: () => false,
  images: () => false,
  stickyKey: 'session',
  ...changes,
})

describe('a model’s name', () => {
  test.each([
    ['openai/gpt-5', 'openai', 'gpt-5'],
    ['openai,gpt-5', 'openai', 'gpt-5'],
    ['openrouter/anthropic/claude-opus-5', 'openrouter', 'anthropic/claude-opus-5'],
  ])('%s names provider and model', (model, provider, asked) => {
    expect(decideRoute(table([]), facts({ model }))).toMatchObject({
      rule: 'explicit',
      targets: [{ provider, model: asked }],
    })
  })

  test.each(['nobody/gpt-5', '/gpt-5', 'openai/', 'meta-llama/llama-3', 'never-heard-of-it'])(
    '%s names no offered provider, and goes to the default one as it is',
    (model) => {
      expect(decideRoute(table([]), facts({ model }))).toMatchObject({
        rule: 'default',
        targets: [{ provider: 'anthropic', model }],
      })
    },
  )

  test('may be an alias of another, or of a provider’s', () => {
    const aliases = { fast: 'claude-haiku-4-5', cheap: 'groq/llama' }
    expect(decideRoute(table([], aliases), facts({ model: 'fast' })).targets).toMatchObject([
      { provider: 'anthropic', model: 'claude-haiku-4-5' },
    ])
    expect(decideRoute(table([], aliases), facts({ model: 'cheap' })).targets).toMatchObject([
      { provider: 'groq', model: 'llama' },
    ])
  })
})

describe('a rule', () => {
  test.each<[RouteRule['when'], Partial<RequestFacts>, boolean]>([
    [{}, {}, true],
    [{ models: ['claude-*'] }, {}, true],
    [{ models: ['gpt-*', 'CLAUDE-OPUS-5'] }, {}, true],
    [{ models: ['claude-haiku*'] }, {}, false],
    [{ models: ['*'] }, { model: null }, false],
    [{ domains: ['we*'] }, {}, true],
    [{ domains: ['api'] }, {}, false],
    [{ headers: { 'x-team': 'red*' } }, { header: (name) => (name === 'x-team' ? 'Red-2' : undefined) }, true],
    [{ headers: { 'x-team': '*' } }, {}, false],
    [{ thinking: true }, { thinking: () => true }, true],
    [{ thinking: false }, { thinking: () => true }, false],
    [{ background: true }, {}, false],
    [{ images: true }, { images: () => true }, true],
    [{ minInputTokens: 1000, maxInputTokens: 1000 }, {}, true],
    [{ minInputTokens: 1001 }, {}, false],
    [{ maxInputTokens: 999 }, {}, false],
    [{ minutes: { from: 600, to: 601 } }, {}, true],
    [{ minutes: { from: 540, to: 600 } }, {}, false],
    [{ minutes: { from: 1320, to: 360 } }, { minuteOfDay: () => 1439 }, true],
    [{ minutes: { from: 1320, to: 360 } }, { minuteOfDay: () => 100 }, true],
    [{ minutes: { from: 1320, to: 360 } }, {}, false],
    [{ models: ['claude-*'], thinking: true }, {}, false],
  ])('%o over a request with %o: %s', (when, changes, holds) => {
    expect(decideRoute(table([rule('mine', when)]), facts(changes)).rule).toBe(holds ? 'mine' : 'default')
  })

  test('comes in order: the first that holds', () => {
    const rules = [rule('no', { models: ['gpt*'] }), rule('first', {}), rule('second', {})]
    expect(decideRoute(table(rules), facts()).rule).toBe('first')
  })

  test('sends what it names, else what was asked for', () => {
    const rules = [rule('mine', {}, [{ ...target, model: 'gpt-5' }])]
    expect(decideRoute(table(rules), facts()).targets[0]?.model).toBe('gpt-5')
    expect(decideRoute(table([rule('mine', {})]), facts()).targets[0]?.model).toBe('claude-opus-5')
  })

  test('is asked for what is inside the body only where it says so', () => {
    const never = (): never => {
      throw new Error('parsed')
    }
    const rules = [rule('gpt', { models: ['gpt*'], images: true, thinking: true })]
    expect(decideRoute(table(rules), facts({ images: never, thinking: never, inputTokens: never })).rule).toBe(
      'default',
    )
  })
})

describe('several targets', () => {
  const targets = [
    { ...target, provider: 'a', weight: 3 },
    { ...target, provider: 'b', weight: 1 },
    { ...target, provider: 'last', weight: 100, priority: 1 },
  ]
  const order = (stickyKey: string, of = targets) =>
    decideRoute(table([rule('mine', {}, of)]), facts({ stickyKey })).targets.map(({ provider }) => provider)

  test('come by priority, and a session’s order never changes', () => {
    fc.assert(
      fc.property(fc.string(), (key) => {
        expect(order(key).at(-1)).toBe('last')
        expect(order(key)).toEqual(order(key, [...targets].reverse()))
      }),
    )
  })

  test('share the sessions by weight', () => {
    const sessions = Array.from({ length: 4000 }, (_, n) => order(`session-${n}`)[0])
    const share = sessions.filter((provider) => provider === 'a').length / sessions.length
    expect(share).toBeGreaterThan(0.7)
    expect(share).toBeLessThan(0.8)
  })

  test('move only the sessions of the one that goes', () => {
    const without = targets.filter(({ provider }) => provider !== 'b')
    for (let n = 0; n < 500; n++) {
      const key = `session-${n}`
      if (order(key)[0] === 'a') expect(order(key, without)[0]).toBe('a')
    }
  })
})

test('a pattern means what a regular expression of it would', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 })
  fc.assert(
    fc.property(letters, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 }), (pattern, text) => {
      expect(matches(pattern, text)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text))
    }),
  )
})

describe('an explanation', () => {
  test('says of each rule why it did not hold, and which were not reached', () => {
    const rules = [
      rule('night', { minutes: { from: 1320, to: 360 }, models: ['gpt-*'] }),
      rule('team', { headers: { 'x-team': 'a*' } }),
      rule('large', { minInputTokens: 500 }),
      rule('rest', {}),
    ]
    const { rules: told, spelling, decision } = explainRoute(table(rules), facts())
    expect(told).toEqual([
      {
        name: 'night',
        verdict: 'does not hold',
        failed: [
          { condition: 'models', found: 'claude-opus-5' },
          { condition: 'minutes', found: '10:00' },
        ],
      },
      { name: 'team', verdict: 'does not hold', failed: [{ condition: 'headers', found: 'x-team: not sent' }] },
      { name: 'large', verdict: 'chosen', failed: [] },
      { name: 'rest', verdict: 'not reached', failed: [] },
    ])
    expect([spelling, decision.rule]).toEqual(['plain', 'large'])
  })

  test('says what the name of the model did', () => {
    const aliases = { fast: 'claude-haiku-4-5', cheap: 'groq/llama' }
    const explained = (model: string) => explainRoute(table([rule('rest', {})], aliases), facts({ model }))
    expect(explained('openai/gpt-5')).toMatchObject({ spelling: 'explicit', rules: [{ verdict: 'not reached' }] })
    expect(explained('cheap')).toMatchObject({ spelling: 'alias', rules: [{ verdict: 'not reached' }] })
    expect(explained('fast')).toMatchObject({
      spelling: 'alias',
      model: 'claude-haiku-4-5',
      rules: [{ verdict: 'chosen' }],
    })
  })

  test('is always that of the decision: the chosen rule has no failed condition, those before it have one', () => {
    const name = fc.constantFrom('a', 'b', 'openai/x', 'constructor', '__proto__')
    const when = fc.record(
      {
        models: fc.array(fc.constantFrom('a', '*b', 'openai*'), { minLength: 1, maxLength: 2 }),
        thinking: fc.boolean(),
        background: fc.boolean(),
        minInputTokens: fc.nat(2000),
        maxInputTokens: fc.nat(2000),
        domains: fc.constant(['web']),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.array(when, { maxLength: 6 }), name, fc.boolean(), (whens, model, thinking) => {
        const given = facts({ model, thinking: () => thinking })
        const routes = table(whens.map((each, at) => rule(`r${at}`, each)))
        const { rules, decision } = explainRoute(routes, given)
        expect(decision).toEqual(decideRoute(routes, given))
        const chosen = rules.findIndex(({ verdict }) => verdict === 'chosen')
        expect(rules[chosen]?.name).toBe(decision.by === 'rule' ? decision.rule : undefined)
        for (const { verdict, failed } of rules) expect(failed.length > 0).toBe(verdict === 'does not hold')
      }),
    )
  })
})

test('a model that is called as JavaScript’s own names is a model like any other', () => {
  for (const model of ['constructor', '__proto__', 'toString'])
    expect(decideRoute(table([]), facts({ model })).targets[0]?.model).toBe(model)
})
