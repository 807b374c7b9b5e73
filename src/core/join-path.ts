/**
 * A path under a prefix, both beginning with `/` (the prefix may be empty). What the one ends with and the other begins
 * with stands once: an address may be given with its version or without, and `/v1` + `/v1/messages` is `/v1/messages`.
 */
export function joinPath(prefix: string, path: string): string {
  const last = prefix.slice(prefix.lastIndexOf('/') + 1)
  const overlaps = last !== '' && path.startsWith(`/${last}/`)
  return (overlaps ? prefix.slice(0, prefix.length - last.length - 1) : prefix) + path
}
