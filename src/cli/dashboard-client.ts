import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Config } from '../config/schema.ts'
import { apiErrorBody } from '../contract/error.ts'
import { demoDirectory } from './demo.ts'
import { CommandError, exitCode } from './terminal.ts'

/** Asks the dashboard of the instance that runs with these settings. */
export interface DashboardClient {
  /** Throws `CommandError` where nobody answers or no key fits. */
  get(pathAndQuery: string, options?: { readonly accept?: string; readonly signal?: AbortSignal }): Promise<Response>
}

/** Asks the dashboard of the configuration, with its key. */
export function createDashboardClient(config: Config): DashboardClient {
  const host = config.http.host === '0.0.0.0' || config.http.host === '::' ? '127.0.0.1' : config.http.host
  const base = `http://${host.includes(':') ? `[${host}]` : host}:${config.http.dashboardPort}`
  return {
    async get(pathAndQuery, { accept = 'application/json', signal } = {}) {
      for (const key of keysOf(config)) {
        const headers = { 'x-dashboard-key': key, accept }
        const response = await fetch(base + pathAndQuery, { headers, ...(signal && { signal }) }).catch(
          (error: unknown) => {
            throw signal?.aborted === true
              ? error
              : new CommandError(`Nothing answers at ${base}. Is Signalbox running, with these settings?`)
          },
        )
        if (response.ok) return response
        if (response.status !== 401 && response.status !== 403) throw await failureOf(response, base + pathAndQuery)
        await response.body?.cancel()
      }
      throw new CommandError(
        `The dashboard at ${base} takes none of the keys known here. Set DASHBOARD_API_KEY, or DATA_DIR to the one it runs with.`,
      )
    },
  }
}

/** What the dashboard says of its failure; where it is none of ours, where it was asked and the status. */
async function failureOf(response: Response, url: string): Promise<CommandError> {
  const body = apiErrorBody.safeParse(await response.json().catch(() => undefined))
  if (!body.success) return new CommandError(`${url} answered with status ${response.status}.`)
  const { message } = body.data.error
  return new CommandError(message, response.status === 400 ? exitCode.misuse : exitCode.failed)
}

/** The configured key, or those that instances of this data directory keep. */
function keysOf({ api, dataDir }: Config): readonly string[] {
  if (api.dashboardApiKey !== undefined) return [api.dashboardApiKey.reveal()]
  return [dataDir, path.join(dataDir, demoDirectory)].flatMap((dir) => {
    try {
      return [readFileSync(path.join(dir, 'dashboard-key'), 'utf8').trim()]
    } catch {
      return [] // No instance of that kind has run here, or not one of this user.
    }
  })
}
