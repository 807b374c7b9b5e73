import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadConfig } from './load-config.ts'

const dir = mkdtempSync(path.join(tmpdir(), 'routing-rules-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** The lines of an error, or the warnings where there is none. */
function told(yaml: string, env: Readonly<Record<string, string>> = {}): readonly string[] {
  writeFileSync(path.join(dir, 'signalbox.yaml'), yaml)
  try {
    return loadConfig({ cwd: dir, env }).warnings
  } catch (error) {
    return String(error instanceof Error ? error.message : error)
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
  }
}

const route = (rest: string, name = 'r'): string => `routing:\n  routes:\n    - name: ${name}\n${rest}`
const toAnthropic = '      targets: [{ provider: anthropic }]\n'

test('routes that fit are taken without a word', () => {
  const when =
    '      when: { models: ["claude-*"], headers: { x-team: a }, hours: "22:00-06:00", minInputTokens: 5, images: true }\n'
  expect(told(route(`${when}${toAnthropic}`))).toEqual([])
})

test.each([
  [
    route('      targets: [{ provider: antropic }]\n'),
    'signalbox.yaml:4:29: routing.routes.0.targets.0.provider is "antropic", which names no provider. Did you mean anthropic?',
  ],
  [
    route('      targets: [{ provider: somebody }]\n'),
    /is "somebody", which names no provider\. There are: anthropic, openai, .*simulated\.$/,
  ],
  [route('      targets: []\n'), /^signalbox\.yaml:4:16: routing\.routes\.0\.targets .*at least one target/],
  [route(''), /routing\.routes\.0\.targets is missing/],
  [
    `${route(toAnthropic)}    - name: r\n${toAnthropic}`,
    /routing\.routes\.1\.name is "r", the name of routing\.routes\.0 as well/,
  ],
  [route(toAnthropic, 'default'), /routing\.routes\.0\.name is "default"/],
  [
    route(`      when: { headers: { Authorization: "*" } }\n${toAnthropic}`),
    /routing\.routes\.0\.when\.headers\.Authorization asks for a header that carries credentials/,
  ],
  [
    route(`      when: { hours: "8-12" }\n${toAnthropic}`),
    /routing\.routes\.0\.when\.hours is "8-12": must be two times of day such as 22:00-06:00/,
  ],
  [route(`      when: { hours: "08:00-08:00" }\n${toAnthropic}`), /is no time at all/],
  [route(`      when: { minInputTokens: 9, maxInputTokens: 8 }\n${toAnthropic}`), /is 9, above maxInputTokens \(8\)/],
  [
    route(`      when: { model: [a] }\n${toAnthropic}`),
    /routing\.routes\.0\.when\.model is not a setting\. Did you mean routing\.routes\.0\.when\.models\?/,
  ],
  [
    route('      targets: [{ provider: anthropic }, { provider: anthropic, weight: 2 }]\n'),
    /targets\.1 is the same target as routing\.routes\.0\.targets\.0/,
  ],
  [route('      targets: [{ provider: anthropic, weight: 0 }]\n'), /weight is 0, but must be a number above 0/],
  [
    'routing: { timeZone: Mars/Olympus }\n',
    /^signalbox\.yaml:1:22: routing\.timeZone is "Mars\/Olympus", which is no time zone/,
  ],
  ['routing: { aliases: { a: b, b: c } }\n', /routing\.aliases\.a stands for "b", which is an alias itself/],
])('%s is a mistake that names its place', (yaml, expected) => {
  const lines = told(yaml)
  expect(lines).toHaveLength(1)
  expect(lines[0]).toEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected))
})

test('targets without a key are no mistake, but told', () => {
  const two = '      targets: [{ provider: groq }, { provider: anthropic }]\n'
  expect(told(route(two))).toEqual([
    'The route “r” names targets that are not offered and are passed over: groq (needs providers.groq.apiKey).',
  ])
  expect(told(route(two), { GROQ_API_KEY: 'gsk_test' })).toEqual([])
  expect(told(route('      targets: [{ provider: groq }]\n'))).toEqual([
    expect.stringContaining('has no target that is offered'),
  ])
})
