/** The settings of the whole program: the sum of what the rooms declare for themselves. */
import { z } from 'zod'
import { apiConfig } from '../api/config.ts'
import { Secret } from '../core/secret.ts'
import { gatewayConfig } from '../gateway/config.ts'
import { routingConfig } from '../gateway/routing/config.ts'
import { httpConfig } from '../http/config.ts'
import { journalConfigSchema } from '../journal/config.ts'
import { providersConfig } from '../providers/config.ts'
import { recorderConfigSchema } from '../recorder/config.ts'
import { simulatorConfig } from '../simulator/config.ts'
import { backupConfigSchema } from '../store/backup/config.ts'
import { storeConfigSchema } from '../store/config.ts'
import { telemetryConfig } from '../telemetry/config.ts'

/** A text that comes out as a `Secret`; a room whose slice says only `secret: true` gets it here. */
const secret = <S extends z.ZodType<string | undefined>>(schema: S) =>
  schema.transform((value) => (value === undefined ? undefined : new Secret(value)))

/** A section may be left out of the file; its settings then have their defaults. */
export const configSchema = z.strictObject({
  dataDir: z
    .string()
    .min(1)
    .default('.signalbox')
    .describe(
      'Directory of everything that is kept: the embedded database, the journal, the dashboard key. A relative path starts in the working directory, where `signalbox.yaml` is looked for too. Created with mode 0700 where missing.',
    )
    .meta({ env: 'DATA_DIR' }),
  keyPepper: secret(
    z
      .string()
      .min(32)
      .optional()
      .describe(
        'What client keys are hashed with, so that a copy of the database alone can not be used to guess them. Made at the first start and kept in the data directory when not set; machines that share a database must share it.',
      )
      .meta({ env: 'KEY_PEPPER', secret: true }),
  ),
  http: httpConfig.prefault({}).describe('Where the processes listen.'),
  gateway: gatewayConfig.prefault({}).describe('Limits of the data plane.'),
  providers: providersConfig.prefault({}).describe('Where calls are forwarded to, and with whose credential.'),
  routing: routingConfig
    .prefault({})
    .describe(
      'Which provider and model take which call. This section and `providers` may be changed while the gateway runs; see routing.md.',
    ),
  journal: journalConfigSchema.prefault({}).describe('The files a call is written to before anything else.'),
  recorder: recorderConfigSchema.prefault({}).describe('From the journal to priced rows in the database.'),
  store: storeConfigSchema
    .extend({ databaseUrl: secret(storeConfigSchema.shape.databaseUrl) })
    .prefault({})
    .describe('The database.'),
  backup: backupConfigSchema.prefault({}).describe('Backups that are made by themselves.'),
  telemetry: telemetryConfig.prefault({}).describe('Logs and metrics.'),
  api: apiConfig
    .extend({ dashboardApiKey: secret(apiConfig.shape.dashboardApiKey) })
    .prefault({})
    .describe('The dashboard and its API.'),
  simulator: simulatorConfig
    .prefault({})
    .describe('The simulated provider and its traffic: demo, tests and benchmark.'),
})

/** Every setting with its value; `dataDir` is absolute, secrets are `Secret`s. */
export type Config = z.output<typeof configSchema>
