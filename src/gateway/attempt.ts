import type { Exchange } from './exchange.ts'
import type { Gateway } from './gateway.ts'
import type { Route } from './routing/router.ts'
import { Tries } from './routing/tries.ts'
import { sendNative } from './send-native.ts'
import { sendTranslated } from './translated/send-translated.ts'

/**
 * Sends the call to the targets of its route, one after the other, until one answers. Again and elsewhere only before the
 * caller has seen a byte; after that it is always stop. Resolves when the exchange is closed.
 */
export async function attempt(exchange: Exchange, route: Route, gateway: Gateway): Promise<void> {
  const tries = new Tries(exchange, route, gateway)
  for (;;) {
    const { target } = tries.next()
    // What an earlier try at another provider left behind says nothing about this one.
    exchange.translationNotes = []
    exchange.targetModel = null
    exchange.answerFacts = null
    const send = target.translation === null ? sendNative : sendTranslated
    const failure = await send(exchange, target, gateway, tries).catch((error: unknown) => {
      tries.abandoned()
      throw error
    })
    if (failure === null) return tries.answered()
    await tries.failed(failure)
  }
}
