import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Secret } from '../core/secret.ts'
import { load, type Rule, type Sources } from './load.ts'
import { ConfigError } from './mistake.ts'

const schema = z.strictObject({
  name: z.string().default('box').describe('A name.').meta({ env: 'NAME' }),
  http: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('Address.').meta({ env: 'HOST' }),
      proxyPort: z.int().min(0).max(65_535).default(3000).describe('Port.').meta({ env: 'PROXY_PORT' }),
      level: z.enum(['info', 'warn']).default('info').describe('Level.').meta({ env: 'LEVEL' }),
      secure: z.boolean().default(false).describe('Switch.').meta({ env: 'SECURE' }),
      tags: z.array(z.string()).default([]).describe('Tags.').meta({ env: 'TAGS' }),
      patience: z
        .union([z.literal('auto'), z.number()])
        .default('auto')
        .describe('Patience.')
        .meta({ env: 'PATIENCE' }),
      baseUrl: z.url().optional().describe('URL.').meta({ env: 'BASE_URL' }),
      word: z
        .string()
        .regex(/^[a-z]+$/, 'lower-case letters only')
        .default('a')
        .describe('Word.'),
    })
    .prefault({}),
  keys: z.record(z.string(), z.strictObject({ limit: z.number().positive().describe('Limit.') })).default({}),
  list: z.array(z.strictObject({ day: z.iso.date().describe('Day.') })).default([]),
  apiKey: z
    .string()
    .min(4)
    .transform((text) => new Secret(text))
    .optional()
    .describe('A secret.')
    .meta({ env: 'API_KEY', secret: true }),
})

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'signalbox-config-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

function loaded(options: {
  file?: string
  env?: Record<string, string>
  flags?: Sources['flags']
  rules?: Rule<z.output<typeof schema>>[]
}) {
  if (options.file !== undefined) writeFileSync(path.join(cwd, 'signalbox.yaml'), options.file)
  return load(schema, { cwd, env: options.env ?? {}, flags: options.flags ?? [] }, options.rules)
}

function mistakesOf(options: Parameters<typeof loaded>[0]): string {
  try {
    loaded(options)
  } catch (error) {
    if (error instanceof ConfigError)
      return error.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim())
        .join('\n')
    throw error
  }
  return 'no mistake'
}

describe('every mistake is told with its place, what is wrong and what would be right', () => {
  // YAML, then exactly what is said.
  const ofTheFile: [string, string, string][] = [
    [
      'a misspelt setting',
      'http:\n  prxyPort: 1',
      'signalbox.yaml:2:3: http.prxyPort is not a setting. Did you mean http.proxyPort?',
    ],
    [
      'snake case',
      'http:\n  proxy_port: 1',
      'signalbox.yaml:2:3: http.proxy_port is not a setting. Did you mean http.proxyPort?',
    ],
    ['a misspelt section', 'htttp:\n  host: a', 'signalbox.yaml:1:1: htttp is not a setting. Did you mean http?'],
    [
      'a setting one level too high',
      'proxyPort: 1',
      'signalbox.yaml:1:1: proxyPort is not a setting. Did you mean http.proxyPort?',
    ],
    [
      'the name of an environment variable',
      'PROXY_PORT: 1',
      'signalbox.yaml:1:1: PROXY_PORT is not a setting: PROXY_PORT is an environment variable; in the file it is http.proxyPort.',
    ],
    [
      'a key like nothing known',
      'zebra: 1',
      'signalbox.yaml:1:1: zebra is not a setting. In the file there are: name, http, keys, list, apiKey.',
    ],
    [
      'a quoted number',
      'http:\n  proxyPort: "3000"',
      'signalbox.yaml:2:14: http.proxyPort is "3000", but must be a whole number from 0 to 65535 (default 3000). Remove the quotes.',
    ],
    [
      'a number out of range',
      'http: { proxyPort: 70000 }',
      'signalbox.yaml:1:20: http.proxyPort is 70000, but must be a whole number from 0 to 65535 (default 3000).',
    ],
    [
      'a broken number',
      'http:\n  proxyPort: 1.5',
      'signalbox.yaml:2:14: http.proxyPort is 1.5, but must be a whole number from 0 to 65535 (default 3000).',
    ],
    [
      'an unquoted number for text',
      'name: 12',
      'signalbox.yaml:1:7: name is 12, but must be text (default "box"). Put it in quotes.',
    ],
    [
      'a word that is no choice',
      'http:\n  level: loud',
      'signalbox.yaml:2:10: http.level is "loud", but must be one of "info", "warn" (default "info").',
    ],
    [
      'a word for a switch',
      'http:\n  secure: on',
      'signalbox.yaml:2:11: http.secure is "on", but must be true or false (default false).',
    ],
    [
      'neither of two kinds',
      'http:\n  patience: later',
      'signalbox.yaml:2:13: http.patience is "later", but must be "auto", or a number (default "auto").',
    ],
    [
      'what is no URL',
      'http:\n  baseUrl: nowhere',
      'signalbox.yaml:2:12: http.baseUrl is "nowhere", but must be a URL such as https://example.com.',
    ],
    [
      'a schema with words of its own',
      'http:\n  word: A',
      'signalbox.yaml:2:9: http.word is "A": lower-case letters only.',
    ],
    [
      'an item of a list',
      'http:\n  tags: [a, 2]',
      'signalbox.yaml:2:13: http.tags.1 is 2, but must be text. Put it in quotes.',
    ],
    [
      'a section in a list',
      'list:\n  - day: today',
      'signalbox.yaml:2:10: list.0.day is "today", but must be a day such as 2026-01-31.',
    ],
    [
      'a missing setting',
      'list:\n  - {}',
      'signalbox.yaml:2:5: list.0.day is missing: it must be a day such as 2026-01-31.',
    ],
    [
      'a section of a name',
      'keys:\n  web: { limit: 0 }',
      'signalbox.yaml:2:17: keys.web.limit is 0, but must be a number above 0.',
    ],
    [
      'a value for a section',
      'keys:\n  web: sk-ant-1',
      'signalbox.yaml:2:8: keys.web is a single value, but must be a section (limit).',
    ],
    [
      'a list for a section',
      'keys:\n  web: [1]',
      'signalbox.yaml:2:8: keys.web is a list, but must be a section (limit).',
    ],
    [
      'a file that is no section',
      '- 1',
      'signalbox.yaml:1:1: The file must hold sections such as "http:", one setting a line in each.',
    ],
    [
      'a key that stands twice',
      'name: a\nname: b',
      'signalbox.yaml:2:1: This key stands twice in its section; keep one.',
    ],
    ['a tab', 'http:\n\thost: a', 'signalbox.yaml:2:1: A tab is used to indent; YAML takes spaces only.'],
    ['an alias by accident', 'name: *box', 'signalbox.yaml:1:7: A value that starts with * or & must be in quotes.'],
    ['a tag by accident', 'name: !box x', 'signalbox.yaml:1:7: A value that starts with ! must be in quotes.'],
    [
      'a quote that does not end',
      'name: "box',
      'signalbox.yaml:1:11: The line does not fit the ones above it: check the indentation, colons and closing quotes or brackets.',
    ],
    [
      'a secret of the wrong length',
      'apiKey: abc',
      'signalbox.yaml:1:9: apiKey is a value that is not shown, but must be text of at least 4 characters.',
    ],
  ]
  test.each(ofTheFile)('in the file: %s', (_name, file, said) => {
    expect(mistakesOf({ file })).toBe(said)
  })

  const ofTheEnvironment: [string, Record<string, string>, string][] = [
    [
      'a word for a number',
      { PROXY_PORT: 'http' },
      'environment variable PROXY_PORT: http.proxyPort is "http", but must be a whole number from 0 to 65535.',
    ],
    [
      'a hexadecimal number',
      { PROXY_PORT: '0x10' },
      'environment variable PROXY_PORT: http.proxyPort is "0x10", but must be a whole number from 0 to 65535.',
    ],
    [
      'a number out of range',
      { PROXY_PORT: '-1' },
      'environment variable PROXY_PORT: http.proxyPort is -1, but must be a whole number from 0 to 65535 (default 3000).',
    ],
    [
      'a word for a switch',
      { SECURE: 'maybe' },
      'environment variable SECURE: http.secure is "maybe", but must be true or false.',
    ],
    [
      'a short secret',
      { API_KEY: 'abc' },
      'environment variable API_KEY: apiKey is a value that is not shown, but must be text of at least 4 characters.',
    ],
    [
      'a secret set twice',
      { API_KEY: 'abcd', API_KEY_FILE: 'x' },
      'environment variable API_KEY_FILE: apiKey is set twice: by API_KEY and by API_KEY_FILE. Keep one of them.',
    ],
    [
      'a secret file that is not there',
      { API_KEY_FILE: '/nowhere/key' },
      'environment variable API_KEY_FILE: apiKey can not be read: /nowhere/key does not exist.',
    ],
    [
      'a file of settings that is not there',
      { SIGNALBOX_CONFIG: '/nowhere/box.yaml' },
      'environment variable SIGNALBOX_CONFIG: The file of settings /nowhere/box.yaml does not exist.',
    ],
  ]
  test.each(ofTheEnvironment)('in the environment: %s', (_name, env, said) => {
    expect(mistakesOf({ env })).toBe(said)
  })

  test('in a flag, and in its path', () => {
    expect(mistakesOf({ flags: [{ flag: '--proxy-port', path: 'http.proxyPort', value: 'x' }] })).toBe(
      'flag --proxy-port: http.proxyPort is "x", but must be a whole number from 0 to 65535.',
    )
    expect(mistakesOf({ flags: [{ flag: '--set', path: 'http.proxyprt', value: '1' }] })).toBe(
      'flag --set: http.proxyprt is not a setting. Did you mean http.proxyPort?',
    )
  })

  test('in a secret file: empty, a directory, not readable', () => {
    writeFileSync(path.join(cwd, 'empty'), '\n')
    expect(mistakesOf({ env: { API_KEY_FILE: 'empty' } })).toContain('empty is empty.')
    expect(mistakesOf({ env: { API_KEY_FILE: '.' } })).toContain('is a directory, not a file.')
    writeFileSync(path.join(cwd, 'hidden'), 'abcd')
    chmodSync(path.join(cwd, 'hidden'), 0o000)
    // Root reads everything.
    if (process.getuid?.() !== 0) expect(mistakesOf({ env: { API_KEY_FILE: 'hidden' } })).toContain('permission denied')
  })

  test('all at once, those of the file from top to bottom, then the others', () => {
    const file = 'zebra: 1\nhttp:\n  proxyPort: x\n  level: y\n'
    expect(mistakesOf({ file, env: { SECURE: 'x' } }).split('\n')).toEqual([
      expect.stringContaining('signalbox.yaml:1:1: zebra'),
      expect.stringContaining('signalbox.yaml:3:14: http.proxyPort'),
      expect.stringContaining('signalbox.yaml:4:10: http.level'),
      expect.stringContaining('environment variable SECURE'),
    ])
  })

  test('by a rule, blaming who set the value', () => {
    const rule: Rule<{ http: { proxyPort: number } }> = ({ http }) =>
      http.proxyPort === 7 ? [{ path: 'http.proxyPort', text: 'is unlucky.' }] : []
    expect(mistakesOf({ env: { PROXY_PORT: '7' }, rules: [rule] })).toBe(
      'environment variable PROXY_PORT: http.proxyPort is unlucky.',
    )
  })
})

describe('precedence', () => {
  const sources = ['file', 'env', 'flag'] as const
  test('the strongest source that speaks wins, and is named as the origin', () => {
    fc.assert(
      fc.property(
        fc.subarray([...sources]),
        fc.tuple(fc.nat(65_535), fc.nat(65_535), fc.nat(65_535)),
        (given, [inFile, inEnv, inFlag]) => {
          rmSync(path.join(cwd, 'signalbox.yaml'), { force: true })
          const { config, origins } = loaded({
            ...(given.includes('file') && { file: `http: { proxyPort: ${inFile} }` }),
            env: given.includes('env') ? { PROXY_PORT: String(inEnv) } : {},
            flags: given.includes('flag')
              ? [{ flag: '--proxy-port', path: 'http.proxyPort', value: String(inFlag) }]
              : [],
          })
          const strongest = given.at(-1)
          const expected = { file: inFile, env: inEnv, flag: inFlag }
          expect(config.http.proxyPort).toBe(strongest === undefined ? 3000 : expected[strongest])
          const kind = { file: 'file', env: 'environment', flag: 'flag' }
          expect(origins.of(['http', 'proxyPort']).kind).toBe(strongest === undefined ? 'default' : kind[strongest])
        },
      ),
      { numRuns: 60 },
    )
  })

  test('an empty variable is an unset one, and a section of comments is an empty one', () => {
    const { config } = loaded({ file: 'http:\n  # host: a\nname:\n', env: { PROXY_PORT: '', HOST: ' ' } })
    expect(config).toMatchObject({ name: 'box', http: { host: '127.0.0.1', proxyPort: 3000 } })
  })
})

describe('values from the environment take the type of their setting', () => {
  test('numbers, switches, lists, either-or and text that looks like a number', () => {
    const { config } = loaded({ env: { PROXY_PORT: '81', SECURE: '1', TAGS: 'a, b', PATIENCE: '2.5', NAME: '007' } })
    expect(config).toMatchObject({
      name: '007',
      http: { proxyPort: 81, secure: true, tags: ['a', 'b'], patience: 2.5 },
    })
    expect(loaded({ env: { PATIENCE: 'auto', SECURE: 'FALSE' } }).config.http).toMatchObject({
      patience: 'auto',
      secure: false,
    })
  })
})

describe('secrets', () => {
  test('come as such from file, environment and secret file, without the newline of the file', () => {
    writeFileSync(path.join(cwd, 'key'), 'word-of-file\n')
    const found = [
      { file: 'apiKey: word-of-file' },
      { env: { API_KEY: 'word-of-file' } },
      { env: { API_KEY_FILE: 'key' } },
    ].map((options) => {
      rmSync(path.join(cwd, 'signalbox.yaml'), { force: true })
      return loaded(options).config.apiKey
    })
    expect(found.map((secret) => secret?.reveal())).toEqual(Array(3).fill('word-of-file'))
    expect(JSON.stringify(found)).not.toContain('word')
  })

  test('are never part of what is said, wherever a credential was put', () => {
    const secret = 'sk-ant-api03-THE-SECRET'
    const files = [
      `apiKey: [${secret}]`,
      `apiKey: { a: ${secret} }`,
      `name: [${secret}]`,
      `http: ${secret}`,
      `keys: ${secret}`,
      `keys: { web: ${secret} }`,
      `list: ${secret}`,
      `http:\n  proxyPort: ${secret}`,
      `http:\n  level: ${secret}`,
      `http:\n  baseUrl: ftp//${secret}`,
      `http:\n  baseUrl: "https//user:${secret}@host"`,
      `zebra: ${secret}`,
      `name: *${secret}`,
      `name: !${secret} x`,
      `name: "${secret}`,
      `${secret}`,
    ]
    for (const file of files) {
      const said = mistakesOf({ file })
      expect(said, file).not.toBe('no mistake')
      expect(said, file).not.toContain('THE-SECRET')
    }
    expect(mistakesOf({ env: { PROXY_PORT: secret } })).not.toContain('SECRET')
  })
})

describe('warnings', () => {
  test('a variable of ours that is no setting', () => {
    const { warnings } = loaded({ env: { SIGNALBOX_PROXY_PORT: '1', SIGNALBOX_X: '1', SIGNALBOX_CONFIG: '' } })
    expect(warnings).toEqual([
      'The environment variable SIGNALBOX_PROXY_PORT is not a setting and has no effect. Did you mean PROXY_PORT?',
      'The environment variable SIGNALBOX_X is not a setting and has no effect.',
    ])
  })

  test('a file that is nearly named right', () => {
    writeFileSync(path.join(cwd, 'signalbox.yml'), '')
    expect(loaded({}).warnings).toEqual([
      `${cwd}/signalbox.yml is not read: the file of settings is named signalbox.yaml.`,
    ])
  })
})
