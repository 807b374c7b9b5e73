/** JSON that PostgreSQL stores: it takes neither an escaped NUL nor half a surrogate pair. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value)
  // `JSON.stringify` writes exactly these two as escapes, so the quick look decides for nearly every batch.
  if (!/\\u(?:0000|d[89a-f])/.test(json)) return json
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'string' ? inner.replaceAll('\0', '\ufffd').replace(loneSurrogate, '\ufffd') : inner,
  )
}

const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g
