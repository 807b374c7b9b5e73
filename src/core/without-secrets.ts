/** Keys by the prefixes that providers give them, Google's, and whatever follows the word `Bearer`. */
const credentials = /\b(sk|sbx|gsk|xai|pk|rk)([-_])[\w-]{6,}|\b(AIza|Bearer )[\w.~+/-]{8,}/g

/** A text of a provider, which may quote the credential it refused, without what looks like one: `sk-…`. */
export function withoutSecrets(text: string): string {
  return text.replace(credentials, (_, prefix = '', dash = '', other = '') => `${prefix}${dash}${other}…`)
}
