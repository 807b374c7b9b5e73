/** Every address of the page, and what its search parameters may hold. */
import * as z from 'zod'
import { statusFilters } from '../../src/contract/requests.ts'
import { rangeNames } from './time-range.ts'

export const paths = { overview: '/', database: '/database', signIn: '/sign-in' } as const

const text = z.string().min(1).max(200).optional().catch(undefined)

/** The state of the overview. What somebody mistyped falls back to the default instead of an error page. */
export const overviewSearch = z.object({
  range: z.enum(rangeNames).optional().catch(undefined),
  domain: text,
  model: text,
  status: z.enum(statusFilters).optional().catch(undefined),
  /** Id of the exchange whose drawer is open. */
  call: text,
  view: z.enum(['table']).optional().catch(undefined),
})

export type OverviewSearch = z.infer<typeof overviewSearch>

export const signInSearch = z.object({
  /** Where to go afterwards: a path of this page and nothing else. */
  next: z
    .string()
    .regex(/^\/(?![/\\])/)
    .optional()
    .catch(undefined),
})
