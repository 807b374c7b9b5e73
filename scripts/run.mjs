#!/usr/bin/env node
// `node scripts/run.mjs COMMAND …`: builds what is stale, then is the program itself. One process, so that Ctrl-C and
// signals reach it without a go-between.
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from './build.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const main = path.join(root, 'dist/main.js')

let built = true
try {
  await build()
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
  built = false
}
if (built) {
  // The program sees its own name there; node:cluster starts its workers from it.
  process.argv[1] = main
  await import(pathToFileURL(main).href)
}
