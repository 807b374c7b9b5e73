// @ts-check
/** Every question that the API asks of the ledger, over ranges from an hour to ninety days. */
import { median, rounded } from '../../lib/stats.mjs'
import { accounts, domains, models } from './traffic.mjs'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const minuteMs = 60_000
/** Pixels of a wide chart; the API chooses the step of a timeline by it. */
const chartWidth = 1_200
const page = 101

export const ranges = /** @type {const} */ ([
  { name: 'hour', ms: hourMs },
  { name: 'day', ms: dayMs },
  { name: '7 d', ms: 7 * dayMs },
  { name: '30 d', ms: 30 * dayMs },
  { name: '90 d', ms: 90 * dayMs },
])

/** @typedef {import('../../../src/store/queries/index.ts').Queries} Queries */
/**
 * One question: `ask` gets a range, and `index` tells two calls apart. `readsRows`: may touch the ledger's own rows.
 * @typedef {{ variant: string, ask: (queries: Queries, range: { from: number, to: number }, index: number) => Promise<unknown>, readsRows?: boolean, only?: readonly string[] }} Case
 */

/**
 * The cases of each query, by its name in `store.queries`. A query without one fails the bench: see `coverage`.
 * @param {import('./product.mjs').Product} product
 * @param {{ ids: readonly string[], sessions: readonly string[] }} samples rows that are there
 * @returns {Record<string, Case[]>}
 */
export function casesOf(product, { ids, sessions }) {
  const domain = String(domains[1])
  const recent = (/** @type {object} */ filter, /** @type {number} */ limit = page) =>
    /** @type {Case['ask']} */ ((queries, range) => queries.recentExchanges({ ...range, after: null, limit, filter }))
  const stepped = (/** @type {{ from: number, to: number }} */ { from, to }) => {
    const stepMs = product.chooseStep(to - from, chartWidth)
    return { from: Math.floor(from / stepMs) * stepMs, to: Math.ceil(to / stepMs) * stepMs, stepMs }
  }
  const upToMonth = ['hour', 'day', '7 d', '30 d']
  return {
    tokenStats: [{ variant: 'all', ask: (queries) => queries.tokenStats(), only: ['90 d'] }],
    stats: [
      { variant: 'all', ask: (queries, range) => queries.stats({ ...range, domain: null }) },
      { variant: 'domain', ask: (queries, range) => queries.stats({ ...range, domain }) },
    ],
    timeline: [
      { variant: 'all', ask: (queries, range) => queries.timeline({ ...stepped(range), domain: null }) },
      { variant: 'domain', ask: (queries, range) => queries.timeline({ ...stepped(range), domain }) },
    ],
    currentUsage: [
      { variant: 'all', ask: (queries, range) => queries.currentUsage({ ...range, account: null }) },
      { variant: 'account', ask: (queries, range) => queries.currentUsage({ ...range, account: accounts[0] ?? null }) },
    ],
    dailyUsage: [
      { variant: 'by day', ask: (queries, range) => queries.dailyUsage({ ...range, account: null, aggregate: true }) },
      {
        variant: 'by day, domain, model',
        ask: (queries, range) => queries.dailyUsage({ ...range, account: null, aggregate: false }),
      },
      {
        variant: 'account',
        ask: (queries, range) => queries.dailyUsage({ ...range, account: accounts[0] ?? null, aggregate: true }),
      },
    ],
    recentExchanges: [
      { variant: 'all', ask: recent({}), readsRows: true, only: upToMonth },
      { variant: 'domain', ask: recent({ domain: 'qa' }), readsRows: true, only: upToMonth },
      { variant: 'failed', ask: recent({ status: 'failed' }), readsRows: true, only: upToMonth },
      {
        variant: 'rare model, failed',
        ask: recent({ provider: models.at(-1)?.provider, status: '5xx' }),
        readsRows: true,
        only: upToMonth,
      },
      { variant: 'nothing matches', ask: recent({ model: 'no-such-model' }), readsRows: true, only: upToMonth },
      {
        variant: 'session',
        ask: (queries, range, index) => recent({ sessionId: sessions[index % sessions.length] })(queries, range, index),
        readsRows: true,
        only: upToMonth,
      },
    ],
    exchangeById: [
      {
        variant: 'by id',
        ask: (queries, _range, index) => queries.exchangeById(ids[index % ids.length] ?? ''),
        readsRows: true,
        only: ['90 d'],
      },
    ],
  }
}

/** What must not be: queries that no case measures, and cases of queries that are gone. @param {Queries} queries @param {Record<string, Case[]>} cases */
export function coverage(queries, cases) {
  const asked = Object.keys(queries)
  const without = asked.filter((name) => cases[name] === undefined)
  const gone = Object.keys(cases).filter((name) => !asked.includes(name))
  return [
    ...without.map((name) => `the query ${name} has no case in bench/ledger/lib/queries.mjs`),
    ...gone.map((name) => `bench/ledger/lib/queries.mjs has cases of ${name}, which is no query any more`),
  ]
}

/** Ends at whole minutes that move about in the last hours, so that every range has ragged edges. @param {number} now @param {number} index */
const endAt = (now, index) => Math.floor(now / minuteMs) * minuteMs - ((index * 37) % 300) * minuteMs

/**
 * The plan of every aggregate question, asked of the server: none may read the ledger's own rows.
 * @param {import('pg').Pool} pool @param {import('./product.mjs').Product} product @param {Record<string, Case[]>} cases @param {number} now
 * @returns {Promise<string[]>} what was found wrong
 */
export async function checkPlans(pool, product, cases, now) {
  /** @type {string[]} */
  const faults = []
  for (const [name, variants] of Object.entries(cases)) {
    for (const { variant, ask, readsRows } of variants) {
      if (readsRows === true) continue
      for (const range of ranges) {
        /** @type {Set<string>} */
        const relations = new Set()
        const explaining = product.createQueries({
          async query(_name, text, values = []) {
            const { rows } = await pool.query(`explain (format json) ${text}`, [...values])
            for (const relation of relationsIn(rows[0]['QUERY PLAN'])) relations.add(relation)
            const answer = await pool.query(text, [...values])
            return answer.rows
          },
        })
        await ask(explaining, { from: now - range.ms, to: now }, 0)
        const raw = [...relations].filter((relation) => relation.startsWith('api_requests'))
        if (raw.length > 0)
          faults.push(`${name} (${variant}, ${range.name}) reads rows of the ledger: ${raw.join(', ')}`)
        if (relations.size === 0)
          faults.push(`${name} (${variant}, ${range.name}) reads no relation: its plan was not seen`)
      }
    }
  }
  return faults
}

/** @param {unknown} node @returns {string[]} */
function relationsIn(node) {
  if (Array.isArray(node)) return node.flatMap(relationsIn)
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]) =>
    key === 'Relation Name' ? [String(value)] : relationsIn(value),
  )
}

/** @param {readonly number[]} times @param {number} share */
function quantile(times, share) {
  const sorted = [...times].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/**
 * @param {Record<string, Case[]>} cases
 * @param {{ now: number, warmSamples: number, coldSamples: number, queries: () => Queries, chill: () => Promise<void>, say: (what: string) => void }} options
 */
export async function measureQueries(cases, { now, warmSamples, coldSamples, queries, chill, say }) {
  const rows = []
  for (const [name, variants] of Object.entries(cases)) {
    say(`query ${name}`)
    for (const { variant, ask, only } of variants) {
      for (const range of ranges) {
        if (only !== undefined && !only.includes(range.name)) continue
        /** @type {string[]} */
        const failures = []
        const timed = async (/** @type {number} */ index) => {
          const to = endAt(now, index)
          const began = performance.now()
          try {
            await ask(queries(), { from: to - range.ms, to }, index)
          } catch (error) {
            failures.push(error instanceof Error ? error.message : String(error))
          }
          return performance.now() - began
        }
        const cold = []
        for (let index = 0; index < coldSamples; index++) {
          await chill()
          cold.push(await timed(index))
        }
        await timed(1)
        const warm = []
        for (let index = 0; index < warmSamples; index++) warm.push(await timed(index))
        rows.push({
          query: name,
          variant,
          range: range.name,
          warmP50Ms: rounded(median(warm), 3),
          warmP95Ms: rounded(quantile(warm, 0.95), 3),
          coldP50Ms: cold.length === 0 ? null : rounded(median(cold), 3),
          coldWorstMs: cold.length === 0 ? null : rounded(Math.max(...cold), 3),
          ...(failures.length > 0 && { failed: failures.length, failure: failures[0] }),
        })
      }
    }
  }
  return rows
}
