/** Columns padded with spaces, those of numbers to the left of them; control characters of foreign text are shown as `?`, so that they can not move the cursor. */
export function renderTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const clean = [heads, ...rows].map((row) => row.map(printable))
  const isNumeric = heads.map((_, column) => clean.slice(1).every((row) => numeric.test(row[column] ?? '')))
  const widths = heads.map((_, column) => Math.max(...clean.map((row) => row[column]?.length ?? 0)))
  return clean
    .map(
      (row) =>
        `${row
          .map((cell, column) =>
            isNumeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
          )
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

/** `1,234`, `$0.0793`, `62.5 %`, `812 ms`, or `-` for none. */
const numeric = /^(\$?[\d,]+(\.\d+)?( %| ms)?|-)$/

/** Text of others made safe for a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, '?')
}
