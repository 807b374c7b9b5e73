// The rules that ship for Prometheus: the real promtool judges them, and every alert leads somewhere.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { isInstalled, runProgram } from './program.ts'
import { metricsIn, readRules, unknownIn } from './rules.ts'

const rules = readRules()
const alerts = rules.filter((rule) => rule.alert !== undefined)
const recorded = new Set(rules.flatMap(({ record }) => record ?? []))
const testsFolder = 'deploy/prometheus/tests'
const testFiles = readdirSync(testsFolder)

describe.skipIf(!isInstalled('promtool'))('promtool', () => {
  test('takes the configuration and all rules', () => {
    const { code, output } = runProgram('promtool', ['check', 'config', 'deploy/prometheus/prometheus.yml'])
    expect(output).not.toMatch(/FAILED|warning/i)
    expect(code).toBe(0)
  })

  test.each(testFiles)('sees the alerts of %s fire and stay quiet', (file) => {
    const { code, output } = runProgram('promtool', ['test', 'rules', file], testsFolder)
    expect(output).toContain('SUCCESS')
    expect(code).toBe(0)
  })
})

test('every alert has a case in which it fires and one in which it is quiet', () => {
  const text = testFiles.map((file) => readFileSync(`${testsFolder}/${file}`, 'utf8')).join('')
  const cases = [...text.matchAll(/alertname="(\w+)"[^\n]*\n\s+eval_time: \w+(\n\s+exp_samples)?/g)]
  const named = (fires: boolean): Set<string> =>
    new Set(cases.flatMap((found) => ((found[2] !== undefined) === fires ? [found[1] ?? ''] : [])))
  const names = alerts.map(({ alert }) => alert ?? '')
  expect(names.filter((name) => !named(true).has(name))).toEqual([])
  // The one that always fires is never quiet.
  expect(names.filter((name) => !named(false).has(name))).toEqual(['Watchdog'])
})

test('every alert says what it is, how bad it is and where its runbook is', () => {
  for (const { alert, labels, annotations } of alerts) {
    expect(labels?.severity, alert).toMatch(/^(critical|warning|info|none)$/)
    expect(annotations?.summary, alert).toBeTruthy()
    expect(annotations?.description, alert).toBeTruthy()
    expect(annotations?.runbook_url, alert).toMatch(/^docs\/runbooks\/[\w-]+\.md$/)
    expect(existsSync(annotations?.runbook_url ?? ''), alert).toBe(true)
  }
  expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length)
})

test('every runbook names exactly the alerts that lead to it', () => {
  for (const file of readdirSync('docs/runbooks')) {
    const text = readFileSync(`docs/runbooks/${file}`, 'utf8')
    const line = text.split('\n').find((one) => one.startsWith('**Alerts**')) ?? ''
    const leading = alerts.filter(({ annotations }) => annotations?.runbook_url === `docs/runbooks/${file}`)
    expect([...line.matchAll(/`(\w+)`/g)].map((match) => match[1]).sort(), file).toEqual(
      leading.map(({ alert }) => alert).sort(),
    )
    expect(leading.length, file).toBeGreaterThan(0)
  }
})

test('every metric and label of a rule is in the catalogue', () => {
  expect(
    rules.flatMap(({ expr, alert, record }) => unknownIn(expr, recorded).map((name) => `${alert ?? record}: ${name}`)),
  ).toEqual([])
})

test('the reader of expressions finds what is not there', () => {
  expect([...metricsIn('sum by (le) (rate(a_total{x="b c"}[5m])) / on (job) c:d > 2 and e').keys()]).toEqual([
    'a_total',
    'c:d',
    'e',
  ])
  expect(unknownIn('rate(http_requests_total{code="500"}[5m]) > signalbox_nothing', recorded)).toEqual([
    'http_requests_total{code}',
    'signalbox_nothing',
  ])
})
