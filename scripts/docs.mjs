#!/usr/bin/env node
// Writes the pages of docs/ that are made from code. A test fails while a committed page differs.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from './build.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
await build()
const { generatedDocs } = await import('../dist/config/docs.js')
for (const [name, render] of Object.entries(generatedDocs)) writeFileSync(path.join(root, 'docs', name), render())
