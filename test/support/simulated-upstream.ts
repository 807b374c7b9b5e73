import { createServer } from 'node:http'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { simulatorConfig } from '../../src/simulator/config.ts'
import type { ServedCall } from '../../src/simulator/served.ts'
import { createSimulator } from '../../src/simulator/simulator.ts'

export interface SimulatedUpstream {
  /** `http://127.0.0.1:<port>`, without a slash at its end. */
  readonly url: string
  served(): readonly ServedCall[]
  stop(): Promise<void>
}

/** No pause anywhere: tests ask for pace by directive where they need it. */
const unpaced = { ttftMs: { median: 0, sigma: 0 }, tokensPerSecond: { median: 0, sigma: 0 } }

/** The simulated provider on a free port of this machine. `config` is in the shape of the settings slice. */
export async function startSimulatedUpstream(
  options: { config?: Record<string, unknown>; clock?: Clock } = {},
): Promise<SimulatedUpstream> {
  const config = simulatorConfig.parse({ servedLog: 1_000, ...unpaced, ...options.config })
  const simulator = createSimulator({ config, clock: options.clock ?? systemClock })
  const server = createServer((request, response) => simulator.handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    served: () => simulator.served(),
    stop: () =>
      new Promise((resolve) => {
        simulator.close()
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
