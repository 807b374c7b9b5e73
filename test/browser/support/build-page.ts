import path from 'node:path'
import { build } from 'vite'

/** What is tested is what is shipped: the built page. */
export default async function buildPage(): Promise<void> {
  const root = path.resolve(import.meta.dirname, '../../../web')
  // Vitest says `test`, which would leave React's development build in dist.
  process.env.NODE_ENV = 'production'
  await build({ root, configFile: path.join(root, 'vite.config.ts'), logLevel: 'warn', mode: 'production' })
}
