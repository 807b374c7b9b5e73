import { health } from '../../contract/health.ts'
import type { ApiReply, ApiRoute } from '../http.ts'
import { apiHeaders } from '../security-headers.ts'

const pingMs = 1000
const headers = { ...apiHeaders, 'cache-control': 'no-store' }
const ok: ApiReply = {
  kind: 'json',
  status: 200,
  headers,
  body: JSON.stringify({ status: 'ok', database: 'connected' }),
}
const degraded: ApiReply = {
  kind: 'json',
  status: 503,
  headers,
  body: JSON.stringify({ status: 'degraded', database: 'disconnected' }),
}

/** `GET` and `HEAD /health` (contract A2, A15): open to everyone, never slower than a second. */
export function healthRoutes(ping: () => Promise<boolean>): readonly ApiRoute[] {
  const answer = async (): Promise<ApiReply> => ((await inTime(ping)) ? ok : degraded)
  const head = async (): Promise<ApiReply> => {
    const { status } = await answer()
    return { kind: 'empty', status, headers }
  }
  return [
    { method: 'HEAD', path: health.path, auth: health.auth, handle: head },
    { method: 'GET', path: health.path, auth: health.auth, handle: answer },
  ]
}

/** A database that hangs is as good as away. */
async function inTime(ping: () => Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), pingMs)
  })
  try {
    return await Promise.race([ping(), late])
  } catch {
    return false // whatever the reason, the answer to "is it connected" is no
  } finally {
    clearTimeout(timer)
  }
}
