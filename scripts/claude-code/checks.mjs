/** Collects checks, prints a line for each, and concludes with an exit status. */
export function createReport() {
  const failures = []
  let checks = 0
  let remembered = ''
  const say = (text) => console.log(text)
  const check = (what, holds, detail = '') => {
    checks++
    if (!holds) failures.push(what)
    say(`${holds ? '  ok  ' : 'WRONG '} ${what}${holds || detail === '' ? '' : `: ${detail}`}`)
  }
  return {
    say,
    check,
    equal: (what, actual, expected) =>
      check(
        what,
        JSON.stringify(actual) === JSON.stringify(expected),
        `${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`,
      ),
    /** Output of a program, shown only if something is wrong; the last 20,000 characters. */
    remember: (text) => {
      remembered = (remembered + text).slice(-20_000)
    },
    conclude: () => {
      if (failures.length > 0 && remembered !== '') say(`\nThe gateway said:\n${remembered}`)
      say(failures.length === 0 ? `\n${checks} checks, all right` : `\n${failures.length} of ${checks} checks failed`)
      return failures.length === 0 ? 0 : 1
    },
  }
}

/** Holds the result that the CLI printed against the calls that the provider served in that time. */
export function checkTurn({ report, title, outcome, calls, expected }) {
  report.say(`\n${title}`)
  const result = parse(outcome.stdout)
  report.check('the CLI ended well', outcome.code === 0 && result !== undefined, describe(outcome))
  if (result === undefined) return { sessionId: undefined, calls }
  report.equal('no error in its result', [result.is_error, result.subtype], [false, 'success'])
  report.equal('the answer', result.result, expected.result)
  report.equal('turns', result.num_turns, expected.turns)
  report.equal('one call a turn reached the provider', calls.length, expected.turns)
  report.equal(
    'every call was answered whole',
    [...new Set(calls.map((call) => `${call.status} ${call.ended}`))],
    ['200 complete'],
  )
  report.equal('every call carried the session', [...new Set(calls.map((call) => call.sessionId))], [result.session_id])
  report.check(
    'every call asked for ?beta=true with its betas',
    calls.every(({ url, headers }) => url.endsWith('?beta=true') && headers['anthropic-beta']),
  )
  report.equal('the tokens the CLI counted are those served', cliTokens(result.usage), sumOfServed(calls))
  return { sessionId: result.session_id, calls }
}

/** Holds the rows of the ledger against what the provider served. */
export async function checkLedger({ report, gateway, turns }) {
  report.say('\nthe ledger')
  const served = turns.flatMap((turn) => turn.calls)
  const rows = await readRows(gateway, served.length)
  report.equal('a row for each call', rows.length, served.length)
  for (const call of served) {
    const row = rows.find((candidate) => candidate.upstream_request_id === call.answer.requestId)
    report.equal(`row of ${call.answer.requestId}`, row === undefined ? 'missing' : factsOfRow(row), factsOfCall(call))
    report.check(
      '  has its cost, times and size',
      row !== undefined &&
        row.cost_usd > 0 &&
        row.ttft_ms > 0 &&
        row.response_time_ms >= row.ttft_ms &&
        row.overhead_ms >= 0,
    )
  }
  const stats = await (await fetch(`${gateway.url}/token-stats`)).json()
  const sum = sumOfServed(served)
  report.equal(
    '/token-stats counts the same',
    [stats.total_requests, stats.total_tokens?.input, stats.total_tokens?.output],
    [served.length, sum.input, sum.output],
  )
}

function factsOfRow(row) {
  return {
    status: row.status_code,
    outcome: row.outcome,
    model: row.model,
    streaming: row.streaming,
    session: row.session_id,
    stop: row.stop_reason,
    usage: row.usage_source,
    bytes: [row.request_bytes, row.response_bytes],
    tokens: [
      row.tokens.input,
      row.tokens.output,
      row.tokens.cache_read,
      row.tokens.cache_write_5m,
      row.tokens.cache_write_1h,
    ],
    thinking: row.reasoning_tokens ?? 0,
  }
}

function factsOfCall({ status, answer, stream, sessionId, requestBytes, responseBytes }) {
  const { usage } = answer
  return {
    status,
    outcome: 'ok',
    model: answer.model,
    streaming: stream,
    session: sessionId,
    stop: answer.stopReason,
    usage: 'reported',
    bytes: [requestBytes, responseBytes],
    tokens: [usage.input, usage.output, usage.cacheRead, usage.write5m, usage.write1h],
    thinking: usage.thinking,
  }
}

/** All rows with their receipts, once as many as expected are there; after 15 s whatever there is. */
async function readRows(gateway, expected) {
  const get = async (address) => {
    const response = await fetch(gateway.dashboardUrl + address, {
      headers: { 'X-Dashboard-Key': gateway.dashboardKey },
    })
    if (!response.ok)
      throw new Error(`GET ${address} gave ${response.status}: ${(await response.text()).slice(0, 200)}`)
    return response.json()
  }
  const deadline = Date.now() + 15_000
  for (;;) {
    const now = Date.now()
    const { requests } = await get(`/api/requests?from=${now - 3_600_000}&to=${now + 60_000}&limit=200`)
    const messages = requests.filter((row) => row.endpoint === 'messages')
    if (messages.length >= expected || now > deadline)
      return Promise.all(messages.map((row) => get(`/api/requests/${row.id}`)))
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

function cliTokens(usage) {
  return {
    input: usage.input_tokens,
    cacheRead: usage.cache_read_input_tokens,
    write5m: usage.cache_creation.ephemeral_5m_input_tokens,
    write1h: usage.cache_creation.ephemeral_1h_input_tokens,
    output: usage.output_tokens,
  }
}

function sumOfServed(calls) {
  const sum = { input: 0, cacheRead: 0, write5m: 0, write1h: 0, output: 0 }
  for (const call of calls) {
    for (const key of Object.keys(sum)) sum[key] += call.answer.usage?.[key] ?? 0
  }
  return sum
}

function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const describe = ({ code, signal, stdout, stderr }) =>
  `exit ${code ?? signal}, ${JSON.stringify((stdout + stderr).slice(-500))}`
