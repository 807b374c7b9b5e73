import * as z from 'zod'
import { defineEndpoint } from './endpoint.ts'

/** Contract A2: these two bodies and no others, so uptime monitors may compare text. 503 with the second. */
export const health = defineEndpoint({
  method: 'GET',
  path: '/health',
  auth: 'none',
  summary: 'Is the dashboard up, and does it reach its database?',
  // Probes add cache busters; a health check is no place to be strict.
  query: z.looseObject({}),
  response: z.union([
    z.object({ status: z.literal('ok'), database: z.literal('connected') }),
    z.object({ status: z.literal('degraded'), database: z.literal('disconnected') }),
  ]),
})
