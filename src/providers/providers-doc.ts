/** The page docs/providers.md, made from the providers and from the tables that translations obey. */
import * as messages from '../dialects/anthropic/index.ts'
import * as gemini from '../dialects/gemini/index.ts'
import * as chat from '../dialects/openai-chat/index.ts'
import * as responses from '../dialects/openai-responses/index.ts'
import type { ProviderDefinition, Way } from './define.ts'
import { customProviders, providers } from './index.ts'

type Fates = Readonly<Record<string, { readonly fate: string; readonly how: string }>>

interface DialectFates {
  readonly title: string
  readonly fields: Fates
  readonly blocks: Fates
}

/** By the dialect's name. */
const dialects: Readonly<Record<string, DialectFates>> = {
  anthropic: { title: 'Messages of others', fields: messages.fieldFates, blocks: messages.blockFates },
  'openai-chat': { title: 'Chat completions', fields: chat.fieldFates, blocks: chat.blockFates },
  'openai-responses': { title: 'Responses', fields: responses.fieldFates, blocks: responses.blockFates },
  gemini: { title: 'Gemini', fields: gemini.fieldFates, blocks: gemini.blockFates },
}

export function renderProvidersDoc(): string {
  return `${[
    introduction,
    ...Object.values(providers).map(builtInPage),
    customPage,
    ...Object.values(customProviders).map(({ title, page }) => `### ${title}\n\n${list(page.notes)}`),
    healthPage,
    fatesIntroduction,
    '### Fields of the request',
    fateTable((dialect) => dialect.fields),
    '### Blocks of the conversation',
    fateTable((dialect) => dialect.blocks),
  ].join('\n\n')}\n`
}

const introduction = `# Providers

<!-- Made by \`npm run docs\` from src/providers and the tables of src/dialects; a test holds it equal. -->

Clients speak Anthropic's Messages API to Signalbox, whatever answers. A provider is offered once it has its key, from the
environment (\`<NAME>_API_KEY\`, or a file named by \`<NAME>_API_KEY_FILE\`) or from \`signalbox.yaml\`. Then there are three ways
to it:

- name it in the model: \`groq/openai/gpt-oss-120b\` (or with a comma: \`groq,openai/gpt-oss-120b\`);
- make it the default for everything no route claims: \`DEFAULT_PROVIDER=groq\`;
- write routes and aliases: [routing.md](routing.md).

\`\`\`bash
GROQ_API_KEY=gsk_… npm start
ANTHROPIC_BASE_URL=http://127.0.0.1:3000 claude --model groq/openai/gpt-oss-120b
\`\`\`

\`signalbox providers check\` says whether addresses and keys are right; it costs no tokens. The base address may be given
with or without the version at its end. A caller's own credential, its headers and its user id never leave to anyone but
Anthropic: calls to others are signed with the gateway's key. What is not in an answer of the provider as it should be is
told on the exchange; the response names provider and model in \`x-signalbox-route\`. \`count_tokens\` is answered by Signalbox
for all but Anthropic: an estimate, marked by \`x-signalbox-estimated\`.

| provider | environment | speaks |
|---|---|---|
${Object.values(providers)
  .map(
    (provider) =>
      `| [${provider.title}](#${anchor(provider.title)}) | ${variablesOf(provider).join(', ')} | ${Object.keys(provider.ways).map(code).join(', ')} |`,
  )
  .join('\n')}`

function builtInPage(provider: ProviderDefinition): string {
  const { type, title, baseUrl, page } = provider
  const lines = [`## ${title}`]
  const keys = page.keysAt === null ? '' : ` Keys are made at <${page.keysAt}>.`
  if (baseUrl !== null) lines.push(`Address \`${baseUrl}\` (\`providers.${type}.baseUrl\`).${keys}`)
  lines.push(`\`\`\`yaml\n${yamlOf(provider)}\n\`\`\``)
  if (type !== 'anthropic' && type !== 'simulated')
    lines.push(`A model: \`${page.model.startsWith(`${type}/`) ? page.model : `${type}/${page.model}`}\`.`)
  lines.push(list([...page.notes, ...waysNote(provider), ...modelsNote(provider)]))
  for (const [word, way] of Object.entries(provider.ways)) lines.push(...notCarried(word, way, provider))
  return lines.join('\n\n')
}

function yamlOf({ type, key, ways }: ProviderDefinition): string {
  const words = Object.keys(ways)
  return [
    'providers:',
    `  default: ${type} # for calls that no route claims`,
    `  ${type}:`,
    ...(key === 'required'
      ? ['    apiKey: … # required']
      : key === 'none'
        ? ['    baseUrl: http://127.0.0.1:4000 # only where one runs elsewhere']
        : ['    apiKey: … # optional']),
    ...(words.length > 1 ? [`    dialect: ${words[0]} # or ${words.slice(1).join(', ')}`] : []),
  ].join('\n')
}

function waysNote({ ways, env }: ProviderDefinition): readonly string[] {
  const [first, ...others] = Object.keys(ways)
  if (others.length === 0) return []
  return [
    `Spoken to as ${code(first ?? '')} by default; \`dialect\` or \`${env}_DIALECT\` changes it to ${others.map(code).join(' or ')}.`,
  ]
}

function modelsNote({ models }: ProviderDefinition): readonly string[] {
  if (models.rows.length === 0) return []
  return [
    `What its models can is kept in a table as of ${models.asOf}; a model that is not in it is treated as one of the newest.`,
  ]
}

/** What the dialect's table says is not carried, in two sentences. */
function notCarried(word: string, { dialect }: Way, { ways }: ProviderDefinition): readonly string[] {
  const fates = dialect === null ? undefined : dialects[dialect.name]
  if (fates === undefined) return []
  const of = (fate: string): string =>
    [...namesOf(fates.fields, fate), ...namesOf(fates.blocks, fate)].map(code).join(', ')
  const where = Object.keys(ways).length > 1 ? ` (\`dialect: ${word}\`)` : ''
  return [
    `Not carried${where}: refused are ${of('refused')}; dropped, and noted, are ${of('dropped')}, what only Anthropic's servers do, and other fields of Anthropic's own (the table below has them all).`,
  ]
}

const namesOf = (fates: Fates, fate: string): readonly string[] =>
  Object.entries(fates).flatMap(([name, row]) => (row.fate === fate && !isAnthropics(row.how) ? [name] : []))

const isAnthropics = (how: string): boolean =>
  /^Anthropic’s own|never leaves|what came of it|only Anthropic|would call/.test(how)

const customPage = `## Servers of your own

Any number of them, each under a name of its own, which then is its provider's name:

\`\`\`yaml
providers:
  custom:
    vllm:
      type: openai-compatible
      baseUrl: http://gpu-1:8000/v1
      apiKey: … # where the server asks for one
    corporate:
      type: anthropic-compatible
      baseUrl: https://llm.example.com
      dialect: claude # it leads to Claude itself; leave it out for other models
\`\`\`

\`vllm/qwen3-coder\` then is a model.`

const healthPage = `## Are they well?

\`signalbox providers check [NAME]\` asks each provider that you set up, and the default, with a call that costs no tokens, and says what is wrong and
what to do. Its exit status is 0 where all are well, 1 where one is not. \`GET /api/providers\` has the same for programs,
together with what real traffic shows: success rate, last failure, latency, and whether a circuit breaker keeps calls away.
\`signalbox_target_up\` and \`signalbox_provider_check_up\` on \`/metrics\` are its gauges. \`providers.checkIntervalMinutes\` repeats
the check by itself; it is off by default, because traffic tells more and earlier. Only the gateway's own keys are used.`

const fatesIntroduction = `## What becomes of a request

**Carried**: as it is. **Converted**: said in the provider's words. **Dropped**: left out, with a note on the exchange and in
the metric \`signalbox_translation_notes_total\`. **Refused**: the call is answered with 400, because leaving it out would
change its meaning. A field that no row knows is dropped, an unknown block is refused. To Anthropic itself everything
passes untouched.`

function fateTable(of: (dialect: DialectFates) => Fates): string {
  const columns = Object.values(dialects)
  const names = [...new Set(columns.flatMap((dialect) => Object.keys(of(dialect))))]
  return [
    `| | ${columns.map(({ title }) => title).join(' | ')} |`,
    `|---|${columns.map(() => '---').join('|')}|`,
    ...names.map((name) => `| ${code(name)} | ${columns.map((dialect) => cellOf(of(dialect)[name])).join(' | ')} |`),
  ].join('\n')
}

function cellOf(row: Fates[string] | undefined): string {
  if (row === undefined) return ''
  return (row.how === '' ? `**${row.fate}**` : `**${row.fate}**: ${row.how}`).replaceAll('|', '\\|')
}

function variablesOf({ env, key }: ProviderDefinition): readonly string[] {
  if (env === null) return []
  return [...(key === 'none' ? [] : [code(`${env}_API_KEY`)]), code(`${env}_UPSTREAM_URL`)]
}

function code(text: string): string {
  return `\`${text}\``
}
const list = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n')
function anchor(title: string): string {
  return title.toLowerCase().replaceAll(' ', '-')
}
