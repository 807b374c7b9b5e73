// @ts-check
import os from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { canPin } from './proc.mjs'

export const help = `npm run bench -- [options]

  --quick             every scenario in small, under a minute, no judgement of speed (CI)
  --peers             measure Portkey and claude-code-router too (installs them into .peers/ when missing)
  --only a,b          scenarios: throughput, streams, latency, paced, one-core, workers, memory, peers
  --rounds N          interleaved rounds of each comparison (default 5)
  --seconds N         measured seconds of each round (default 3)
  --slug NAME         name of the result file (default: run)
  --no-save           print only
  --no-pin            let the kernel place every process
  --main FILE         measure another build of the gateway than dist/main.js
  --without-gateway   only bare and direct: checks the bench itself
`

/**
 * @typedef {object} Options
 * @property {boolean} quick
 * @property {boolean} peers
 * @property {string[] | null} only
 * @property {number} rounds
 * @property {number} seconds
 * @property {number} warmupSeconds
 * @property {string} slug
 * @property {boolean} save
 * @property {boolean} gateway
 * @property {string | null} main
 * @property {Layout} layout
 */

/** @param {string[]} args @returns {Options | null} null where only help was asked for */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      peers: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      slug: { type: 'string', default: 'run' },
      'no-save': { type: 'boolean', default: false },
      'no-pin': { type: 'boolean', default: false },
      main: { type: 'string' },
      'without-gateway': { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  const { quick } = values
  return {
    quick,
    peers: values.peers,
    only: values.only?.split(',') ?? null,
    rounds: Number(values.rounds ?? (quick ? 1 : 5)),
    seconds: Number(values.seconds ?? (quick ? 0.6 : 3)),
    warmupSeconds: quick ? 0.3 : 1,
    slug: values.slug,
    save: !values['no-save'] && !quick,
    main: values.main === undefined ? null : resolve(values.main),
    gateway: !values['without-gateway'],
    layout: layoutFor(os.cpus().length, !values['no-pin'] && !quick && canPin()),
  }
}

/**
 * Which core each part runs on; null where the kernel decides.
 * @typedef {{ pinned: boolean, worker: string | null, office: string | null, load: string | null, upstream: string | null }} Layout
 */

/**
 * The measured process has a core of its own. The office and its database are a part of the product's cost but not of
 * the data plane: they get the next core, which on a machine of two they share with load and upstream.
 * @param {number} cores @param {boolean} pinned @returns {Layout}
 */
export function layoutFor(cores, pinned) {
  if (!pinned || cores < 2) return { pinned: false, worker: null, office: null, load: null, upstream: null }
  const at = (/** @type {number} */ wanted) => String(Math.min(wanted, cores - 1))
  return { pinned: true, worker: '0', office: at(1), load: at(2), upstream: at(3) }
}
