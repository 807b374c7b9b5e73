/** A way to ask PostgreSQL: one named statement. The name goes to logs and metrics, never the text or the values. */
export interface Sql {
  query<R extends object>(name: string, text: string, values?: readonly unknown[]): Promise<R[]>
}
