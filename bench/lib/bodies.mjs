// @ts-check
/**
 * Request bodies as Claude Code writes them: keys in its order (`model` first, `stream` last), a system prompt of several
 * blocks, a set of tools, and a conversation of alternating text, tool calls and tool results. The sizes are exact, so
 * that a table can say "200 KB" and mean it. Nothing here is random: two runs send the same bytes.
 */

const model = 'claude-sonnet-4-5-20250929'
const sessionId = '8f14e45f-ceea-467f-9c1b-6c5d2a7f3e10'

/** @typedef {'1k' | '200k' | '1m'} BodyKind */

/** @type {Record<BodyKind, { bytes: number, messages: number, tools: number, systemChars: number }>} */
export const bodyKinds = {
  '1k': { bytes: 1024, messages: 1, tools: 0, systemChars: 120 },
  '200k': { bytes: 200 * 1024, messages: 100, tools: 18, systemChars: 14_000 },
  '1m': { bytes: 1024 * 1024, messages: 420, tools: 24, systemChars: 18_000 },
}

// Quotes, escapes, braces and a few characters outside ASCII: what a scanner of JSON bytes meets in source code.
const prose =
  'Read the file, then run `npm test -- --grep "parses \\"quoted\\" keys"` and fix what fails.\n' +
  'const pattern = /"(stream|model)":\\s*(true|"[^"]*")/g // found in a prompt, not in the request\n' +
  'if (rows.length > 0) { return rows.map((row) => ({ ...row, name: [row.first, row.last].join(" ") })) }\n' +
  'The naïve way costs 3 µs — ‘good enough’ for €0.02; see C:\\repo\\src\\index.ts, line 42.\n'

const longProse = prose.repeat(200)

/** @param {number} chars at most some 70,000 @param {number} from */
function text(chars, from) {
  const start = from % prose.length
  return longProse.slice(start, start + chars)
}

/** @param {number} index */
function tool(index) {
  return {
    name: `Tool${String(index).padStart(2, '0')}`,
    description: text(900, index * 37),
    input_schema: {
      type: 'object',
      properties: {
        file_path: { type: 'string', description: 'The absolute path of the file to read' },
        offset: { type: 'number', description: 'The line to start from' },
        pattern: { type: 'string', description: text(160, index * 11) },
        stream: { type: 'boolean', description: 'Follow the output' },
      },
      required: ['file_path'],
      additionalProperties: false,
      $schema: 'http://json-schema.org/draft-07/schema#',
    },
  }
}

/** @param {number} index @param {number} chars */
function message(index, chars) {
  if (index % 2 === 0) {
    if (index % 4 === 0) return { role: 'user', content: [{ type: 'text', text: text(chars, index * 13) }] }
    const result = { tool_use_id: `toolu_${String(index - 1).padStart(24, '0')}`, type: 'tool_result' }
    return { role: 'user', content: [{ ...result, content: text(chars, index * 17) }] }
  }
  return {
    role: 'assistant',
    content: [
      { type: 'text', text: text(Math.max(1, chars - 140), index * 19) },
      {
        type: 'tool_use',
        id: `toolu_${String(index).padStart(24, '0')}`,
        name: 'Tool01',
        input: { file_path: `/home/user/project/src/file-${index}.ts`, offset: index },
      },
    ],
  }
}

/** @param {BodyKind} kind @param {boolean} stream @param {number} charsEach @param {string} padding */
function render(kind, stream, charsEach, padding) {
  const shape = bodyKinds[kind]
  const messages = Array.from({ length: shape.messages }, (_, index) => message(index, charsEach))
  messages.push({ role: 'user', content: [{ type: 'text', text: `Go on.${padding}` }] })
  const userId = JSON.stringify({ device_id: 'd'.repeat(64), account_uuid: '', session_id: sessionId })
  return JSON.stringify({
    model,
    messages,
    system: [
      { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.330; cc_entrypoint=cli;' },
      { type: 'text', text: text(shape.systemChars, 5), cache_control: { type: 'ephemeral' } },
    ],
    ...(shape.tools > 0 ? { tools: Array.from({ length: shape.tools }, (_, index) => tool(index)) } : {}),
    metadata: { user_id: kind === '1k' ? `session_${sessionId}` : userId },
    max_tokens: 32_000,
    ...(kind === '1k' ? {} : { thinking: { type: 'enabled', budget_tokens: 31_999 } }),
    stream,
  })
}

/**
 * The body of one request, of exactly `bodyKinds[kind].bytes` bytes.
 * @param {BodyKind} kind
 * @param {boolean} stream
 * @returns {Buffer}
 */
export function requestBody(kind, stream) {
  const target = bodyKinds[kind].bytes
  let low = 1
  let high = Math.ceil(target / bodyKinds[kind].messages)
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (Buffer.byteLength(render(kind, stream, middle, '')) <= target) low = middle
    else high = middle - 1
  }
  const padding = target - Buffer.byteLength(render(kind, stream, low, ''))
  if (padding < 0) throw new Error(`a body of kind ${kind} does not fit into ${target} bytes`)
  return Buffer.from(render(kind, stream, low, '.'.repeat(padding)))
}

/** The headers of Claude Code's SDK, without credential, host and length. */
export const clientHeaders = {
  accept: 'application/json',
  'anthropic-beta': 'claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27',
  'anthropic-version': '2023-06-01',
  'content-type': 'application/json',
  'user-agent': 'claude-cli/2.1.330 (external, cli)',
  'x-app': 'cli',
  'x-claude-code-session-id': sessionId,
  'x-stainless-arch': 'x64',
  'x-stainless-lang': 'js',
  'x-stainless-os': 'Linux',
  'x-stainless-package-version': '0.90.0',
  'x-stainless-retry-count': '0',
  'x-stainless-runtime': 'node',
  'x-stainless-timeout': '600',
}
