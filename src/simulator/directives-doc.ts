import { directiveTable } from './directives.ts'

const introduction = `# The simulated provider

<!-- Made by \`npm run docs\` from src/simulator/directives.ts; a test holds it equal. -->

Signalbox has a provider of its own that speaks Anthropic Messages without a network or a key. It serves \`signalbox demo\`,
the tests and the benchmark; \`DEFAULT_PROVIDER=simulated\` makes it the default route of any instance. Its settings are the
section \`simulator\` of the [configuration](configuration.md).

- It answers \`POST /v1/messages\` (streaming and not), \`/v1/messages/count_tokens\`, \`GET /v1/models\` and the probes of
  clients, and refuses what the real API refuses, in its words: missing fields, tool calls without results, thinking that
  was changed on its way, more than four cache marks.
- **It repeats**: the n-th call with one body is answered alike in every run with the same \`simulator.seed\`, whatever runs
  beside it. Ids are drawn from the seed too.
- Its prompt cache works like the real one: per credential and model, by prefix, for five minutes or one hour.
- Rate-limit headers are those of API keys, or those of a subscription login where the credential is one (\`sk-ant-oat…\`).
- With \`simulator.servedLog\` set, \`GET /__served\` lists the last calls it answered: sizes, hashes, counts, no content.

## Prompts it obeys

| the prompt has | it |
|---|---|
| \`run: <command>\` on a line | calls the offered tool that takes a \`command\`, one line after the other, then quotes the last result |
| \`say: <text>\` | answers that text |
| a \`tool_choice\` that forces a tool | calls it, with input made from its schema |
| an output schema | answers JSON that fits it |

Anything else is answered with text of a drawn length, within \`max_tokens\`.

## Directives

A call can say how it is to go: in the header \`x-simulate\`, or as \`[[simulate …]]\` in the text of the last user message
or in the model name. The header wins over the text, the text over the model. Several are separated by semicolons, values
are percent-decoded, and an unknown one is refused with 400:

\`\`\`
x-simulate: error=overloaded_error;after-events=3
\`\`\`

| directive | value | meaning |
|---|---|---|`

/** The page docs/simulator.md, made from the table of directives. */
export function renderSimulatorDoc(): string {
  const rows = Object.entries(directiveTable).map(
    ([name, { kind, meaning }]) => `| \`${name}\` | ${kind === 'flag' ? '' : kind} | ${meaning} |`,
  )
  return `${[introduction, ...rows].join('\n')}\n`
}
