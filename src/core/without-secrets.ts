/** Keys by the prefixes that providers give them, Google's, and whatever follows the word `Bearer`. */
const credentials = /\b(sk|sbx|gsk|xai|pk|rk)([-_])[\w-]{6,}|\b(AIza|Bearer )[\w.~+/-]{8,}/g

/** A text of a provider, which may quote the credential it refused, without what looks like one: `sk-…`. */
export function withoutSecrets(text: string): string {
  return text.replace(credentials, (_, prefix = '', dash = '', other = '') => `${prefix}${dash}${other}…`)
}

/** Long, and with a digit in it: a host may well be called `sk-portal.example.com`. */
const keyInName = /(?<![a-z0-9])(?:(sk|sbx|gsk|xai|pk|rk)([-_])(?=[\w-]*\d)[\w-]{16,}|(AIza)[\w-]{20,})/gi

/**
 * A name that a caller chose (a model, a path, a host, a session) without the key that was put in its place by mistake:
 * it goes into log lines, metrics and the ledger.
 */
export function nameWithoutKey(name: string): string {
  return name.replace(keyInName, (_, prefix = '', dash = '', other = '') => `${prefix}${dash}${other}…`)
}
