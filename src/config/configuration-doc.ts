import { z } from 'zod'
import { coreOf, descriptionOf, type Field, fieldsOf } from './fields.ts'
import { configSchema } from './schema.ts'

/** The page docs/configuration.md, made from the schema so that it can not lag behind it. */
export function renderConfigurationDoc(): string {
  const fields = fieldsOf(configSchema)
  const sections = Object.entries(configSchema.shape).filter(([, schema]) => isSection(schema))
  const topLevel = fields.filter((field) => field.path.length === 1)
  return [
    introduction,
    ...(topLevel.length === 0 ? [] : ['## At the top of the file', table(topLevel)]),
    ...sections.flatMap(([name, schema]) => [
      `## ${name}`,
      descriptionOf(schema),
      table(fields.filter((field) => field.path[0] === name)),
    ]),
    clientVariables,
  ].join('\n\n')
}

const isSection = (schema: z.ZodType): boolean => coreOf(schema) instanceof z.ZodObject

const introduction = `# Configuration

<!-- Made by \`npm run docs\` from the schema; a test holds it equal. -->

Signalbox runs without any setting. Where one is wanted, it may come from, the later ones winning:

1. the **default**, shown below;
2. the **file** \`signalbox.yaml\` in the working directory, or the one named by \`--config FILE\` or \`SIGNALBOX_CONFIG\`;
3. the **environment** (an empty variable counts as unset). A secret may also stand in a file of its own, named by the
   variable with \`_FILE\` behind it, such as \`ANTHROPIC_API_KEY_FILE=/run/secrets/anthropic\`;
4. the **flags** of the command: \`--host\`, \`--proxy-port\`, \`--dashboard-port\`, \`--data-dir\`, \`--log-level\`, and
   \`--set PATH=VALUE\` for any other setting, such as \`--set http.workers=2\`.

The path of a setting is its place in the file: \`http.proxyPort\` is the line \`proxyPort: 3000\` below \`http:\`.

\`\`\`yaml
http:
  proxyPort: 3456
telemetry:
  logFile: ./signalbox.log
\`\`\`

A mistake stops the start, and all mistakes are told at once, each with the place it comes from and what would be right.
\`signalbox check-config\` does the same check and prints the settings in effect with the origin of each, secrets masked.
Settings that end in \`Ms\` are milliseconds, those that end in \`Bytes\` bytes. In the environment a list is written with
commas and a switch as \`true\` or \`false\` (\`1\` or \`0\`).`

const clientVariables = `## Variables that are not settings

\`ANTHROPIC_BASE_URL\` tells *clients* where the gateway is. The gateway ignores it, with a warning, because obeying it
would point the gateway at itself; where calls go is \`ANTHROPIC_UPSTREAM_URL\`.
`

function table(fields: readonly Field[]): string {
  return [
    '| setting | environment | takes | default | |',
    '|---|---|---|---|---|',
    ...fields.map(
      (field) =>
        `| ${[code(nameOf(field.path)), environmentOf(field), takes(field), defaultOf(field), field.description].map(cell).join(' | ')} |`,
    ),
  ].join('\n')
}

const nameOf = (path: readonly string[]): string => path.join('.').replaceAll('.[]', '[]').replaceAll('.*', '.NAME')

const environmentOf = ({ env, secret }: Field): string =>
  env === undefined ? '' : secret ? `${code(env)}, ${code(`${env}_FILE`)}` : code(env)

function takes({ kind, expects, secret }: Field): string {
  if (secret) return 'a secret'
  if (kind.type === 'structure') return 'sections by name'
  return kind.type === 'list' && kind.of.type === 'structure' ? 'a list of sections' : expects
}

function defaultOf({ defaultValue }: Field): string {
  return defaultValue === undefined
    ? ''
    : code(typeof defaultValue === 'string' ? defaultValue : JSON.stringify(defaultValue))
}

const code = (text: string): string => `\`${text}\``
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
