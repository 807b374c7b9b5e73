import { endpoints } from '../../../src/contract/index.ts'
import { call } from './client.ts'

/** Whether a key from the address was refused; the sign-in page says so. */
let fragmentRefused = false
export const wasFragmentRefused = (): boolean => fragmentRefused

/**
 * Takes `#key=…` out of the address, so that `start` can print one line to click. A fragment is never sent to a server;
 * removing it at once keeps it out of the history and of screenshots.
 */
export async function signInWithFragment(): Promise<void> {
  const key = new URLSearchParams(window.location.hash.slice(1)).get('key')
  if (key === null) return
  window.history.replaceState(window.history.state, '', window.location.pathname + window.location.search)
  try {
    await call(endpoints.signIn, { body: { key } })
  } catch {
    fragmentRefused = true // an older session may still hold; if not, the sign-in page comes up
  }
}
