import path from 'node:path'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/logger.ts'
import {
  createPriceBook,
  type Replayed,
  replaySetAside,
  type SetAsideSummary,
  summarizeSetAside,
} from '../recorder/index.ts'
import { journalRootOf } from './data-plane.ts'
import { openLedger } from './maintenance.ts'

/** Where the recorder puts what can not be stored: beside the journals. */
const setAsideOf = (config: Config): string => path.join(journalRootOf(config), '..', 'journal-rejected')

/** What is set aside on this data directory. */
export const setAside = async (config: Config): Promise<SetAsideSummary & { readonly directory: string }> => {
  const directory = setAsideOf(config)
  return { directory, ...(await summarizeSetAside(directory)) }
}

/** Tries to store it, in the running instance's database or in one that is started for the moment. */
export async function replay(config: Config): Promise<Replayed> {
  const ledger = await openLedger(config, silentLogger)
  try {
    return await replaySetAside({
      directory: setAsideOf(config),
      writeExchanges: ledger.store.writeExchanges,
      priceBook: createPriceBook({ overrides: config.recorder.prices, clock: systemClock, logger: silentLogger }),
    })
  } finally {
    await ledger.close()
  }
}
