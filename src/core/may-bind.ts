/** Who can reach an address, and what that asks of the client keys. */

/** True for names and addresses that only this machine reaches: `localhost`, 127.0.0.0/8, `::1`. */
export function isLoopbackHost(host: string): boolean {
  const bare = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^::ffff:(?=\d)/, '')
  if (bare === 'localhost' || bare === '::1' || bare === '0:0:0:0:0:0:0:1') return true
  const parts = bare.split('.')
  return parts.length === 4 && parts[0] === '127' && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)
}

/** Whether a server may listen there, or why not. */
export type MayBind = { readonly allowed: true } | { readonly allowed: false; readonly reason: string }

/**
 * Beyond loopback the gateway spends money for whoever finds its port, so it does not start there before a client key
 * exists. The reason is a whole text for the person who starts it.
 */
export function mayBind(host: string, hasClientKeys: boolean): MayBind {
  if (hasClientKeys || isLoopbackHost(host)) return { allowed: true }
  return {
    allowed: false,
    reason:
      `HOST is ${host}, which other machines can reach, and no client key exists: anyone who finds the port could spend your ` +
      'tokens. Create a key first (signalbox keys create --domain NAME), or set HOST to 127.0.0.1.',
  }
}
