import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { listen } from '../http/listener.ts'
import { createSimulator } from '../simulator/simulator.ts'

/** The simulated provider on a port of its own. */
export interface SimulatedProvider {
  readonly url: string
  close(): Promise<void>
}

/** Starts the simulated provider on a loopback port of its own, where the configuration sends calls to it. */
export async function startSimulatedProvider(config: Config, clock: Clock): Promise<SimulatedProvider | null> {
  if (config.providers.default !== 'simulated' || config.providers.simulated.baseUrl !== undefined) return null
  const simulator = createSimulator({ config: config.simulator, clock })
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    portSetting: 'SIMULATED_UPSTREAM_URL',
    headTimeoutMs: 20_000,
    maxHeaderBytes: 65_536,
    handle: simulator.handle,
  })
  return {
    url: listener.url,
    async close() {
      simulator.close()
      await listener.close(0)
    },
  }
}
