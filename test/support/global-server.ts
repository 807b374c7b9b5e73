import globalPostgres from './global-postgres.ts'
import { serverVariable } from './postgres.ts'
import { installedServers, startServerPostgres } from './server-postgres.ts'

/** Vitest global setup of `npm run test:server`: a real server for the whole run. */
export default async function setup(): Promise<() => Promise<void>> {
  const forget = await globalPostgres()
  if (process.env[serverVariable] !== undefined) return forget
  const [oldest] = installedServers
  if (oldest === undefined) {
    throw new Error(`No PostgreSQL 15 or newer in /usr/lib/postgresql; set ${serverVariable} to the address of one.`)
  }
  const server = await startServerPostgres(oldest, { shared_preload_libraries: 'pg_stat_statements' })
  process.env[serverVariable] = server.url
  return async () => {
    await server.stop()
    await forget()
  }
}
