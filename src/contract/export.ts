import * as z from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { requestFilters } from './requests.ts'
import { instant, source } from './scalars.ts'

/** The file's extension as well. */
export const exportFormatNames = ['csv', 'json', 'jsonl', 'parquet'] as const

/** Named apart from the word of the language. */
export const exportEndpoint = defineEndpoint({
  method: 'GET',
  path: '/api/export',
  auth: 'key',
  summary: 'Every row of a range as a file, oldest first; streamed, however many there are.',
  query: z.strictObject({
    format: z.enum(exportFormatNames).default('csv'),
    /** Default: all there is. */
    from: instant.optional(),
    /** Default: now. */
    to: instant.optional(),
    source,
    ...requestFilters,
  }),
  // A file: its columns are those of docs/import-export.md.
  response: z.unknown(),
})
