import * as z from 'zod'
import { defineEndpoint } from './endpoint.ts'

export const setup = defineEndpoint({
  method: 'GET',
  path: '/api/setup',
  auth: 'key',
  summary: 'What a newcomer has to paste, and what this installation is.',
  response: z.object({
    /** Where clients reach the proxy, e.g. `http://127.0.0.1:3000`; null where proxies run elsewhere. */
    proxy_url: z.string().nullable(),
    version: z.string(),
    /** True where the traffic is simulated and generated. */
    demo: z.boolean(),
    /** True where callers need a client key (`signalbox keys create`). */
    client_key_required: z.boolean(),
  }),
})

export type Setup = z.infer<typeof setup.response>
