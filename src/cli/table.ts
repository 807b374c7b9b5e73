/** Columns padded with spaces; control characters of foreign text are shown as `?`, so that they can not move the cursor. */
export function renderTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const clean = [heads, ...rows].map((row) => row.map(printable))
  const widths = heads.map((_, column) => Math.max(...clean.map((row) => row[column]?.length ?? 0)))
  return clean
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

/** Text of others made safe for a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, '?')
}
