import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nameOfStatement, withoutLiterals } from './without-literals.ts'

describe('a statement is shown without its literals', () => {
  test.each([
    ["SELECT * FROM t WHERE a = 'hush' AND b = 42", 'SELECT * FROM t WHERE a = ? AND b = ?'],
    ['select $1, $23::text', 'select $1, $23::text'],
    ["ALTER ROLE web PASSWORD 'hush'", 'ALTER ROLE web PASSWORD ?'],
    ["select 'it''s hush' || x", 'select ? || x'],
    [String.raw`select E'a\'hush' , b`, 'select ? , b'],
    [String.raw`select 'C:\hush' , b`, 'select ? , b'],
    ["select U&'hush', B'01', X'1F', N'hush'", 'select ?, ?, ?, ?'],
    ['select $$hush$$, $tag$ hush $$ hush $tag$, a', 'select ?, ?, a'],
    ['select "a 1 column", "with "" quote" from t2', 'select "a 1 column", "with "" quote" from t2'],
    ['select 1.5e10, .5, 0xff, 1_000, -7', 'select ?, ?, ?, ?, -?'],
    ['select /* hush /* hush */ hush */ a -- hush\n  , b', 'select a , b'],
    ['select a1, t2.b3 from api_requests_2026_11', 'select a1, t2.b3 from api_requests_2026_11'],
    ["select e 'hush'", 'select e ?'],
    ["select date'2026-01-01'", 'select date?'],
  ])('%s', (sql, shown) => {
    expect(withoutLiterals(sql)).toBe(shown)
  })

  test('a literal that was cut off ends the text', () => {
    expect(withoutLiterals("select a from t where b = 'hush and more of hu")).toBe('select a from t where b = ? …')
    expect(withoutLiterals('do $body$ begin hush')).toBe('do ? …')
    expect(withoutLiterals('select "hush')).toBe('select …')
  })

  test('a backslash before a quote may escape it or not, so nothing behind it is shown', () => {
    expect(withoutLiterals(String.raw`select 'a\' || 'hush'`)).toBe('select ? …')
  })

  test('long statements are shortened', () => {
    expect(withoutLiterals(`select ${'column_name, '.repeat(500)}`).length).toBeLessThan(620)
  })

  test('whatever stands in the literals, nothing of it is shown', () => {
    const secret = fc.string({ unit: fc.constantFrom('H', 'U', "'", '\\', '"', '$', ' ', '-', '*', '/', 'ü', '\n') })
    const quoted = secret.map((text) => `'${text.replaceAll("'", "''")}'`)
    const escaped = secret.map((text) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`)
    const dollar = secret.map((text) => `$q$${text.replaceAll('$', '')}$q$`)
    const comment = secret.map((text) => `/*${text.replaceAll('/', '').replaceAll('*', '')}*/`)
    const plain = fc.constantFrom('select', 'a', ',', '=', '(', ')', '$1', '::text', '||', 'from t')
    const statement = fc.array(fc.oneof(quoted, escaped, dollar, comment, plain), { maxLength: 20 })
    fc.assert(
      fc.property(statement, fc.nat(200), (parts, cut) => {
        const sql = parts.join(' ')
        for (const text of [sql, sql.slice(0, cut)]) expect(withoutLiterals(text)).not.toMatch(/[HUü]/)
      }),
      { numRuns: 500 },
    )
  })
})

test('a statement of ours carries its name, others do not', () => {
  expect(nameOfStatement('\nSELECT /* stats-total */ 1')).toBe('stats-total')
  expect(nameOfStatement('SELECT 1 /* stats-total */')).toBeNull()
  expect(nameOfStatement('SELECT /* a name that is none */ 1')).toBeNull()
})
