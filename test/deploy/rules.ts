import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { metricCatalogue } from '../../src/telemetry/metric-catalogue.ts'

const ruleFile = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.object({
          alert: z.string().optional(),
          record: z.string().optional(),
          expr: z.string(),
          labels: z.record(z.string(), z.string()).optional(),
          annotations: z.record(z.string(), z.string()).optional(),
        }),
      ),
    }),
  ),
})
export type Rule = z.infer<typeof ruleFile>['groups'][number]['rules'][number] & { readonly file: string }

export const rulesFolder = 'deploy/prometheus/rules'

/** Every shipped rule. */
export function readRules(): readonly Rule[] {
  return readdirSync(rulesFolder).flatMap((file) =>
    ruleFile
      .parse(parse(readFileSync(`${rulesFolder}/${file}`, 'utf8')))
      .groups.flatMap(({ rules }) => rules.map((rule) => ({ ...rule, file }))),
  )
}

const keywords = new Set([
  'and',
  'or',
  'unless',
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'offset',
  'bool',
])

/** Names of the metrics in an expression, and the labels it asks each for: what stands in front of `{` or for itself. */
export function metricsIn(expr: string): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>()
  const bare = expr
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ')
  for (const [, name = '', matchers = ''] of bare.matchAll(
    /(?<![\w:.$])([a-zA-Z_:][\w:]*)\b(?!\s*\()(?:\{([^}]*)\})?/g,
  )) {
    if (keywords.has(name)) continue
    const labels = found.get(name) ?? new Set<string>()
    for (const [, label = ''] of matchers.matchAll(/(\w+)\s*(?:=|!)/g)) labels.add(label)
    found.set(name, labels)
  }
  return found
}

/** Labels that the scrape adds, and that histograms have. */
const always = new Set(['job', 'instance', 'le'])

/** What is wrong with the metrics an expression asks for: a name or a label that the catalogue does not have. */
export function unknownIn(expr: string, recorded: ReadonlySet<string>): readonly string[] {
  return [...metricsIn(expr)].flatMap(([name, labels]) => {
    // Prometheus says it about every target; the next two say it of themselves.
    if (name === 'up' || /^(prometheus|alertmanager)_/.test(name) || recorded.has(name)) return []
    const base = name.replace(/_(bucket|sum|count)$/, '')
    const row = Object.entries(metricCatalogue).find(
      ([known, { kind }]) => known === name || (kind === 'histogram' && known === base),
    )?.[1]
    if (row === undefined) return [name]
    return [...labels]
      .filter((label) => !always.has(label) && !(label in row.labels))
      .map((label) => `${name}{${label}}`)
  })
}
