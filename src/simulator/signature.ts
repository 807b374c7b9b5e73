import { createHmac } from 'node:crypto'
import type { Random } from './random.ts'

// Not a secret: it only lets one simulator recognise what another one signed, after a restart for instance.
const key = 'signalbox simulator'
const prefix = 'SIMULATED'

/** A signature over the thinking as it was delivered, in the look of the real ones (base64, longer than the text). */
export function signThinking(thinking: string, random: Random): string {
  return `${prefix}${mac(thinking)}${random.base58(120)}==`
}

/** True also for signatures that are not ours: those of the real API can not be judged here. */
export function signatureHolds(thinking: string, signature: string): boolean {
  return !signature.startsWith(prefix) || signature.startsWith(prefix + mac(thinking))
}

function mac(thinking: string): string {
  return createHmac('sha256', key).update(thinking).digest('hex').slice(0, 32)
}
