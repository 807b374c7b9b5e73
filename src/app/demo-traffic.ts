import { request } from 'node:http'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { createTraffic, type SendTraffic, type Traffic } from '../simulator/traffic.ts'

/** Sends generated calls to the proxy, as clients of several projects would. */
export function startDemoTraffic(proxyUrl: string, config: Config, clock: Clock): Traffic {
  const { traffic: settings, seed } = config.simulator
  // An address to listen on everywhere is reached at this machine's own.
  const target = new URL(proxyUrl.replace(/\/\/(0\.0\.0\.0|\[::\])/, '//127.0.0.1'))
  const traffic = createTraffic({ target, headers: {}, config: settings, seed, clock, send })
  traffic.start()
  return traffic
}

/** Node's own client, since `fetch` does not let a caller choose the `host` header, which names the domain. */
const send: SendTraffic = ({ method, url, headers, body, signal }) =>
  new Promise((resolve, reject) => {
    const call = request(
      url,
      { method, headers: { ...headers, 'content-length': Buffer.byteLength(body) }, signal },
      (response) => resolve({ status: response.statusCode ?? 0, body: response }),
    )
    call.once('error', reject)
    call.end(body)
  })
