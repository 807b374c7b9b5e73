import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { explainCall } from '../app/explain-route.ts'
import { runCli } from './cli.ts'
import type { Programs } from './programs.ts'

const dir = mkdtempSync(path.join(tmpdir(), 'route-explain-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const file = path.join(dir, 'signalbox.yaml')
writeFileSync(
  file,
  `providers:
  openai: { apiKey: sk-test-1 }
routing:
  timeZone: UTC
  aliases: { fast: claude-haiku-4-5, cheap: openai/gpt-5-nano }
  routes:
    - name: night
      when: { hours: "22:00-06:00", domains: ["batch*"] }
      targets: [{ provider: openai, model: gpt-5, weight: 3 }, { provider: anthropic, weight: 1 }]
    - name: large
      when: { minInputTokens: 150000, headers: { X-Team: "search" } }
      targets: [{ provider: groq, model: big }, { provider: anthropic, priority: 1, maxConcurrent: 5 }]
`,
)

async function explain(...args: readonly string[]): Promise<string> {
  const out: string[] = []
  const noise: string[] = []
  const code = await runCli(['route', 'explain', '--config', file, ...args], {
    // Only this one program runs.
    programs: { explainRoute: async (config, call) => explainCall(config, call, Date.UTC(2026, 0, 1, 12)) } as Programs,
    terminal: {
      outIsTty: false,
      showStacks: false,
      out: (text) => void out.push(text),
      err: (text) => void noise.push(text),
    },
    version: '1.2.3',
  })
  expect([code, noise.filter((line) => !line.startsWith('warning: '))]).toEqual([0, []])
  return out.join('')
}

test('says of each route why it did not hold, and where the call goes', async () => {
  expect(await explain('--model', 'claude-opus-5', '--input-tokens', '2000', '--header', 'x-team=ads')).toBe(
    `“claude-opus-5” is a plain model name.
Routes, in order:
  night: does not hold: domains (it is default), hours (it is 12:00)
  large: does not hold: headers (it is x-team: ads), minInputTokens (it is 2000)
Decision: default. Targets in the order they are tried, if all are well:
    provider   model          priority  weight    share
1.  anthropic  claude-opus-5         0       1  100.0 %
`,
  )
})

test('shows targets in order, with shares, limits and what is missing', async () => {
  const out = await explain('--model', 'fast', '--input-tokens', '200000', '--header', 'X-TEAM=search')
  expect(out).toContain('“fast” is an alias of “claude-haiku-4-5”, which the routes are asked about.\n')
  expect(out).toContain('  large: chosen\n')
  expect(out).toMatch(/1\. {2}groq +big +0 +1 +100\.0 % +not offered: needs providers\.groq\.apiKey\n/)
  expect(out).toMatch(/2\. {2}anthropic +claude-haiku-4-5 +1 +1 +- +at most 5 at once in each worker\n/)
})

test('names that name a provider ask no route', async () => {
  expect(await explain('--model', 'openai/gpt-5')).toContain(
    '“openai/gpt-5” names the provider: openai, model “gpt-5”. No route is asked.\n',
  )
  expect(await explain('--model', 'cheap')).toContain('alias of a provider’s model: openai, model “gpt-5-nano”')
  expect(await explain()).toContain('The call names no model.\n')
})

test('as JSON, at another time and for one session, whose first target stays the same', async () => {
  const args = ['--model', 'm', '--domain', 'batch-7', '--at', '23:30', '--json']
  const firsts = new Map<string, number>()
  for (let session = 0; session < 40; session++) {
    const told = JSON.parse(await explain(...args, '--session', `s${session}`))
    expect(told).toMatchObject({
      route: 'night',
      decided_by: 'rule',
      time: '23:30',
      rules: [{ verdict: 'chosen' }, { verdict: 'not reached' }],
    })
    expect(told).toEqual(JSON.parse(await explain(...args, '--session', `s${session}`)))
    const [first] = told.targets
    firsts.set(first.provider, (firsts.get(first.provider) ?? 0) + 1)
    expect(first.share).toBe(first.provider === 'openai' ? 0.75 : 0.25)
  }
  expect(firsts.get('openai')).toBeGreaterThan(firsts.get('anthropic') ?? 0)
  expect(firsts.size).toBe(2)
})
