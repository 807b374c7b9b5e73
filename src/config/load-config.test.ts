import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../core/secret.ts'
import { fieldsOf } from './fields.ts'
import { loadConfig } from './load-config.ts'
import { ConfigError } from './mistake.ts'
import { renderEffectiveConfig } from './print.ts'
import { pointsAtGateway } from './rules.ts'
import { configSchema } from './schema.ts'

let cwd: string
beforeAll(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'signalbox-config-'))
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const withEnv = (env: Record<string, string>) => loadConfig({ cwd, env })

function mistakesOf(env: Record<string, string>): readonly string[] {
  try {
    withEnv(env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.mistakes.map(({ path: at, text }) => `${at} ${text}`)
  }
}

describe('the schema', () => {
  const fields = fieldsOf(configSchema)

  test('describes every setting', () => {
    expect(fields.length).toBeGreaterThan(40)
    expect(fields.filter((field) => field.description.length < 10).map((field) => field.path.join('.'))).toEqual([])
  })

  test('gives each environment variable to one setting', () => {
    const names = fields.flatMap((field) => field.env ?? [])
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
    expect(names.filter((name) => !/^[A-Z][A-Z0-9_]*$/.test(name))).toEqual([])
    // A secret's file variable must not be another setting's variable.
    const files = fields.filter((field) => field.secret).map((field) => `${field.env}_FILE`)
    expect(files.filter((name) => names.includes(name))).toEqual([])
  })

  test('knows the variables that others rely on', () => {
    const names = fields.map((field) => field.env)
    for (const name of [
      ...['HOST', 'PROXY_PORT', 'DASHBOARD_PORT', 'DATA_DIR', 'DATABASE_URL', 'DASHBOARD_API_KEY', 'METRICS_TOKEN'],
      ...[
        'LOG_FILE',
        'LOG_LEVEL',
        'LOG_FORMAT',
        'SLOW_QUERY_THRESHOLD_MS',
        'ANTHROPIC_API_KEY',
        'ANTHROPIC_UPSTREAM_URL',
      ],
    ]) {
      expect(names).toContain(name)
    }
  })

  test('gives every secret out as a Secret', () => {
    const secrets = fields.filter((field) => field.secret && field.env !== undefined)
    expect(secrets.length).toBeGreaterThan(3)
    const word = 'postgres://user:word@host/db-that-is-long-enough-for-all'
    const { config } = withEnv(Object.fromEntries(secrets.map((field) => [field.env ?? '', word])))
    for (const field of secrets) {
      const value = field.path.reduce<unknown>((inner, key) => Reflect.get(Object(inner), key), config)
      expect(value, field.path.join('.')).toBeInstanceOf(Secret)
    }
    expect(JSON.stringify(config)).not.toContain('word')
    const named = { type: 'openai-compatible', baseUrl: 'http://gpu:8000/v1', apiKey: word }
    const own = configSchema.parse({ providers: { custom: { vllm: named } } }).providers.custom.vllm
    expect(own?.apiKey).toBeInstanceOf(Secret)
    expect(fields.filter((field) => field.secret && field.env === undefined).map(({ path }) => path.join('.'))).toEqual(
      ['providers.custom.*.apiKey'],
    )
  })

  test('is whole without a file and without an environment', () => {
    const { config, file } = withEnv({})
    expect(file).toBeNull()
    expect(config.http).toMatchObject({ host: '127.0.0.1', proxyPort: 3000, dashboardPort: 3001 })
    expect(config.dataDir).toBe(path.join(cwd, '.signalbox'))
  })
})

describe('rules about several settings', () => {
  test('proxy and dashboard need a port each; the one that was set is to blame', () => {
    expect(mistakesOf({ PROXY_PORT: '3001' })).toEqual([
      'http.proxyPort is 3001, the same as http.dashboardPort: each needs a port of its own (by default 3000 and 3001).',
    ])
    expect(mistakesOf({ DASHBOARD_PORT: '3000' })[0]).toMatch(/^http\.dashboardPort is 3000/)
    // 0 is "any free one", twice.
    expect(mistakesOf({ PROXY_PORT: '0', DASHBOARD_PORT: '0' })).toEqual([])
  })

  test('an upstream that is this gateway is refused', () => {
    expect(mistakesOf({ ANTHROPIC_UPSTREAM_URL: 'http://localhost:3000' })).toEqual([
      "providers.anthropic.baseUrl is http://localhost:3000, where this gateway itself listens: calls would go round in circles. Name the provider's address instead.",
    ])
    expect(mistakesOf({ ANTHROPIC_UPSTREAM_URL: 'http://localhost:4000' })).toEqual([])
  })

  test.each([
    ['http://127.0.0.1:3000', '127.0.0.1', true],
    ['http://127.0.0.1:3001/v1', '127.0.0.1', true],
    ['http://[::1]:3000', '0.0.0.0', true],
    ['http://0.0.0.0:3000', '127.0.0.1', true],
    ['http://gateway.lan:3000', 'gateway.lan', true],
    ['http://GATEWAY.lan:3000', 'gateway.lan', true],
    ['http://other.lan:3000', '0.0.0.0', false],
    ['http://127.0.0.1:3000', '10.0.0.5', false],
    ['https://api.anthropic.com', '127.0.0.1', false],
  ])('%s with HOST %s leads back: %s', (url, host, expected) => {
    expect(pointsAtGateway(url, { host, proxyPort: 3000, dashboardPort: 3001 })).toBe(expected)
  })

  test('the port of a scheme counts where the URL names none', () => {
    expect(pointsAtGateway('http://localhost/', { host: 'localhost', proxyPort: 80, dashboardPort: 3001 })).toBe(true)
  })

  test("the client's variable is ignored, with a warning that names ours", () => {
    const { config, warnings } = withEnv({ ANTHROPIC_BASE_URL: 'http://127.0.0.1:3000' })
    expect(config.providers.anthropic.baseUrl).toBe('https://api.anthropic.com')
    expect(warnings).toEqual([expect.stringContaining('ANTHROPIC_UPSTREAM_URL')])
  })
})

describe('the printed settings', () => {
  const env = { PROXY_PORT: '3456', ANTHROPIC_API_KEY: 'sk-ant-word', DATABASE_URL: 'postgres://u:word@h/d', TAGS: '' }

  test('name the origin of each value and mask secrets', () => {
    const printed = renderEffectiveConfig(withEnv(env))
    expect(printed).toMatch(/^ {2}proxyPort: 3456 +# environment variable PROXY_PORT$/m)
    expect(printed).toMatch(/^ {2}dashboardPort: 3001 +# default$/m)
    expect(printed).toMatch(/^ {4}apiKey: '\[secret\]' +# environment variable ANTHROPIC_API_KEY$/m)
    expect(printed).toMatch(/^ {2}# metricsToken: +# not set$/m)
    expect(printed).not.toContain('word')
  })

  test('are a file of settings with the same meaning, secrets aside', () => {
    const { DATABASE_URL: _url, ANTHROPIC_API_KEY: _key, ...plain } = env
    const before = withEnv(plain)
    const file = path.join(cwd, 'printed.yaml')
    writeFileSync(file, renderEffectiveConfig(before))
    const after = loadConfig({ cwd, env: {}, file })
    expect(after.config).toEqual(before.config)
  })
})
