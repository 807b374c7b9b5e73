/** A database's schema as SQL for people, out of its catalogs: the same text on every supported version of PostgreSQL. */
import type pg from 'pg'
import { timeTables } from '../../src/store/time-tables.ts'

interface Table {
  readonly name: string
  readonly comment: string | null
  readonly partition_key: string | null
  readonly default_partition: string | null
  readonly default_options: string[] | null
  readonly columns: readonly { readonly text: string; readonly comment: string | null }[]
  readonly constraints: readonly string[]
  readonly indexes: readonly string[]
}

const tablesSql = `
  select class.relname as name, obj_description(class.oid) as comment,
    case when class.relkind = 'p' then pg_get_partkeydef(class.oid) end as partition_key,
    part.relname as default_partition, part.reloptions as default_options,
    array(
      select json_build_object('text', concat_ws(' ', quote_ident(attname), format_type(atttypid, atttypmod),
          case when attcollation <> typcollation then 'COLLATE ' || quote_ident(collname) end,
          'DEFAULT ' || pg_get_expr(adbin, adrelid), case when attnotnull then 'NOT NULL' end),
        'comment', col_description(attrelid, attnum))
      from pg_attribute join pg_type on pg_type.oid = atttypid
      left join pg_collation on pg_collation.oid = attcollation
      left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where attrelid = class.oid and attnum > 0 and not attisdropped order by attnum) as columns,
    array(
      select case when contype = 'c' then 'CONSTRAINT ' || quote_ident(conname) || ' ' else '' end || pg_get_constraintdef(oid)
      from pg_constraint where conrelid = class.oid and contype in ('p', 'u', 'c', 'f')
      order by array_position(array['p', 'u', 'f', 'c'], contype::text), conname) as constraints,
    array(
      select pg_get_indexdef(indexrelid) from pg_index
      where indrelid = class.oid and not exists (select 1 from pg_constraint where conindid = indexrelid and conrelid = class.oid)
      order by indexrelid) as indexes
  from pg_class as class
  left join pg_partitioned_table on partrelid = class.oid
  left join pg_class as part on part.oid = partdefid
  where class.relkind in ('r', 'p') and not class.relispartition and class.relnamespace = current_schema()::regnamespace
  order by class.oid`

const functionsSql = `
  select pg_get_functiondef(oid) as text, obj_description(oid) as comment from pg_proc
  where pronamespace = current_schema()::regnamespace
    and not exists (select 1 from pg_depend where objid = pg_proc.oid and deptype = 'e')
  order by oid`

/** Statements that make the same schema in an empty database; partitions made later by the program are left out. */
export async function describeSchema(client: pg.Client | pg.Pool): Promise<string> {
  const functions = await client.query<{ text: string; comment: string | null }>(functionsSql)
  const tables = await client.query<Table>(tablesSql)
  const parts = [
    ...functions.rows.map(({ text, comment }) => `${remark(comment)}${local(text).trimEnd()};`),
    ...tables.rows.map(describeTable),
  ]
  return `${parts.join('\n\n')}\n`
}

function describeTable(table: Table): string {
  const columns = table.columns.map(({ text, comment }, index) => {
    const isLast = index === table.columns.length - 1 && table.constraints.length === 0
    return `${remark(comment, '  ')}  ${local(text)}${isLast ? '' : ','}`
  })
  const by = table.partition_key === null ? '' : ` PARTITION BY ${table.partition_key}`
  const statements = [
    `${remark(table.comment)}${remark(partitionsOf(table.name))}CREATE TABLE ${table.name} (`,
    ...columns,
    table.constraints.map((text) => `  ${local(text)}`).join(',\n'),
    `)${by};`,
  ].filter((line) => line !== '')
  if (table.default_partition !== null) {
    const options = table.default_options === null ? '' : ` WITH (${table.default_options.join(', ')})`
    statements.push(`CREATE TABLE ${table.default_partition} PARTITION OF ${table.name} DEFAULT${options};`)
  }
  return [...statements, ...table.indexes.map((text) => `${local(text).replace(' ON ONLY ', ' ON ')};`)].join('\n')
}

function partitionsOf(name: string): string | null {
  const table = timeTables().find((each) => each.name === name)
  return table === undefined ? null : `One partition a ${table.unit}, made ahead and dropped by retention.`
}

/** Names without the schema that holds everything. */
const local = (text: string): string => text.replaceAll(/\bpublic\./g, '')

function remark(comment: string | null, indent = ''): string {
  if (comment === null) return ''
  const lines: string[] = []
  let line = ''
  for (const word of comment.split(/\s+/)) {
    if (`${indent}-- ${line} ${word}`.length > 120) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((each) => `${indent}-- ${each}\n`).join('')
}

/** The rows of all tables as statements, in the order of their keys. */
export async function describeRows(client: pg.Client): Promise<string> {
  await client.query(`set timezone = 'UTC'`)
  const { rows: tables } = await client.query<{ name: string; columns: string[] }>(
    `select relname as name, array(select attname::text from pg_attribute
       where attrelid = class.oid and attnum > 0 and not attisdropped order by attnum) as columns
     from pg_class as class where relkind in ('r', 'p') and not relispartition
       and relnamespace = current_schema()::regnamespace order by oid`,
  )
  const statements: string[] = []
  for (const { name, columns } of tables) {
    const values = columns.map((column) => `quote_nullable("${column}"::text)`).join(', ')
    const { rows } = await client.query<{ row: string }>(
      `select array_to_string(array[${values}], ', ') as row from ${name} order by 1`,
    )
    if (rows.length === 0) continue
    const list = rows.map(({ row }) => `  (${row})`).join(',\n')
    statements.push(`INSERT INTO ${name} (${columns.join(', ')}) VALUES\n${list};`)
  }
  return `${statements.join('\n\n')}\n`
}
