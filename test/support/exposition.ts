/** A reader of the Prometheus text format 0.0.4, as strict as the specification. */

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const nameGrammar = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const labelGrammar = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"'
const sampleGrammar = new RegExp(
  `^(${nameGrammar})(?:\\{(${labelGrammar}(?:,${labelGrammar})*)?\\})? ([+-]?(?:[0-9.]+(?:e[+-]?[0-9]+)?|Inf)|NaN)$`,
)

/**
 * Reads an exposition.
 * @throws Error with the line, for what breaks the grammar: samples outside their family, a family or a series twice,
 *   negative counters, histograms that are not cumulative or whose `+Inf` is not their count.
 */
export function parseExposition(text: string): readonly Sample[] {
  if (!text.endsWith('\n')) throw new Error('the last line has no line feed')
  const samples: Sample[] = []
  const families = new Set<string>()
  const series = new Set<string>()
  let family = ''
  let kind = ''
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, word, subject = '', detail] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
    if (word === 'HELP') {
      if (families.has(subject)) throw new Error(`family twice: ${line}`)
      families.add(subject)
      family = subject
      kind = ''
      continue
    }
    if (word === 'TYPE') {
      if (subject !== family || !['counter', 'gauge', 'histogram'].includes(detail ?? ''))
        throw new Error(`odd: ${line}`)
      kind = detail ?? ''
      continue
    }
    const sample = parseSample(line)
    const plain = kind === 'histogram' ? sample.name.replace(/_(?:bucket|sum|count)$/, '') : sample.name
    if (plain !== family || kind === '') throw new Error(`sample outside its family ${family}: ${line}`)
    const key = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`
    if (series.has(key)) throw new Error(`series twice: ${line}`)
    if (kind === 'counter' && !(sample.value >= 0)) throw new Error(`counter below 0: ${line}`)
    series.add(key)
    samples.push(sample)
  }
  checkHistograms(samples)
  return samples
}

function parseSample(line: string): Sample {
  const match = sampleGrammar.exec(line)
  if (match === null) throw new Error(`not a sample: ${line}`)
  const labels: Record<string, string> = {}
  for (const [label] of (match[2] ?? '').matchAll(new RegExp(labelGrammar, 'g'))) {
    const at = label.indexOf('=')
    const name = label.slice(0, at)
    if (Object.hasOwn(labels, name)) throw new Error(`label twice: ${line}`)
    labels[name] = label.slice(at + 2, -1).replace(/\\(["\\n])/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped))
  }
  return { name: match[1] ?? '', labels, value: numberOf(match[3] ?? '') }
}

function numberOf(text: string): number {
  return text.endsWith('Inf') ? Number(text.replace('Inf', 'Infinity')) : Number(text)
}

function checkHistograms(samples: readonly Sample[]): void {
  const groups = new Map<string, Sample[]>()
  for (const sample of samples) {
    if (sample.labels.le === undefined) continue
    const { le, ...others } = sample.labels
    const key = `${sample.name.replace(/_bucket$/, '')}${JSON.stringify(others)}`
    groups.set(key, [...(groups.get(key) ?? []), sample])
  }
  const counts = new Map(
    samples
      .filter(({ name }) => name.endsWith('_count'))
      .map((sample) => [`${sample.name.replace(/_count$/, '')}${JSON.stringify(sample.labels)}`, sample.value]),
  )
  for (const [key, buckets] of groups) {
    const values = buckets
      .map(({ labels, value }) => ({ le: numberOf((labels.le ?? '').replace(/^\+/, '')), value }))
      .sort((left, right) => left.le - right.le)
    if (values.some(({ value }, index) => value < (values[index - 1]?.value ?? 0)))
      throw new Error(`not cumulative: ${key}`)
    const last = values.at(-1)
    if (last?.le !== Infinity || last.value !== counts.get(key)) throw new Error(`+Inf is not the count: ${key}`)
  }
}

/** The value of the one series with that name and those labels (among others), or the sum of several; NaN if none. */
export function sumOf(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  const found = samples.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )
  return found.length === 0 ? Number.NaN : found.reduce((sum, { value }) => sum + value, 0)
}
