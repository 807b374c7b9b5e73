/**
 * Imported before everything else, for its effect: zod compiles validators with `eval` as schemas are made, which the
 * content policy forbids and would report.
 */
import * as z from 'zod'

z.config({ jitless: true })
