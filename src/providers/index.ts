import { anthropic } from './anthropic.ts'
import { simulated } from './simulated.ts'

/** Every provider, one line each. Configuration, labels and documentation derive from this list. */
export const providers = { anthropic, simulated } as const

export { toTarget } from './define.ts'
