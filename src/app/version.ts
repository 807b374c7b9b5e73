import { readFileSync } from 'node:fs'
import { z } from 'zod'

/** The version in package.json, two levels up from here in the sources as in the build. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version
}

/** Where the build puts the web UI. */
export const webRoot = new URL('../../dist/web/', import.meta.url).pathname
