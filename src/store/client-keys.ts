import type { ClientKey } from '../core/client-key.ts'
import type { Sql } from './sql.ts'

/** What `LISTEN` hears when a client key was made or revoked. */
export const keysChannel = 'signalbox_keys'

/** The client keys of the installation. The store never sees a key in clear, only its keyed hash. */
export interface ClientKeys {
  all(): Promise<readonly ClientKey[]>
  create(key: Pick<ClientKey, 'id' | 'hash' | 'domain' | 'name' | 'expiresAt'>): Promise<void>
  /** False where there is no such key, or it was revoked before. */
  revoke(id: string): Promise<boolean>
}

interface Row {
  readonly id: string
  readonly hash: string
  readonly domain: string
  readonly name: string
  readonly expires_at: Date | null
  readonly revoked_at: Date | null
}

/** Keys are kept as hashes; changes are told to all processes (`NOTIFY`). */
export function createClientKeys(sql: Sql): ClientKeys {
  return {
    async all() {
      const rows = await sql.query<Row>(
        'client-keys',
        'SELECT id, hash, domain, name, expires_at, revoked_at FROM client_keys ORDER BY created_at, id',
      )
      return rows.map((row) => ({
        id: row.id,
        hash: row.hash,
        domain: row.domain,
        name: row.name,
        expiresAt: row.expires_at?.getTime() ?? null,
        revokedAt: row.revoked_at?.getTime() ?? null,
      }))
    },
    async create(key) {
      const expires = key.expiresAt === null ? null : new Date(key.expiresAt)
      await sql.query(
        'create-client-key',
        `WITH made AS (INSERT INTO client_keys (id, hash, domain, name, expires_at) VALUES ($1, $2, $3, $4, $5) RETURNING id)
         SELECT pg_notify('${keysChannel}', id) FROM made`,
        [key.id, key.hash, key.domain, key.name, expires],
      )
    },
    async revoke(id) {
      const rows = await sql.query(
        'revoke-client-key',
        `WITH gone AS (UPDATE client_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING id)
         SELECT pg_notify('${keysChannel}', id) FROM gone`,
        [id],
      )
      return rows.length > 0
    },
  }
}
