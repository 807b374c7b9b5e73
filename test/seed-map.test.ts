import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const rows = readFileSync('docs/seed-map.md', 'utf8')
  .split('\n')
  .filter((line) => /^\| [AB]\d+ \|/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))

test('the map of the guides names every item once, in order', () => {
  const numbered = (letter: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${letter}${index + 1}`)
  expect(rows.map((cells) => cells[1])).toEqual([...numbered('A', 26), ...numbered('B', 15)])
})

test('every place and every test that the map names is there', () => {
  const named = rows.flatMap((cells) =>
    [...(cells.join(' ').matchAll(/`((?:src|test|deploy)\/[\w./-]+)`/g) ?? [])].map((match) => match[1] ?? ''),
  )
  expect(named.length).toBeGreaterThan(30)
  expect(named.filter((file) => !existsSync(file))).toEqual([])
})

test('an item is either somewhere or said to come later', () => {
  for (const cells of rows) expect(cells[3], cells[1]).toMatch(/`(?:src|deploy)\/|later|PostgreSQL/)
})
