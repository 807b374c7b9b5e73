/** A `timestamptz` as the API writes times: ISO 8601, UTC, milliseconds. Null stays null. */
export const isoSql = (expression: string): string =>
  `to_char((${expression}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
