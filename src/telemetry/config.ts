import { z } from 'zod'
import { Secret } from '../core/secret.ts'

/** What an operator may set about logs and metrics. */
export const telemetryConfig = z.strictObject({
  logFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File that gets the same JSON lines as standard output; its folder is created. `true` means /var/log/ccproxy/app.log. ' +
        'SIGUSR1 and SIGHUP reopen it (logrotate).',
    )
    .meta({ env: 'LOG_FILE' }),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('Least important level that is written. Above `info` the lines of successful calls are not written.')
    .meta({ env: 'LOG_LEVEL' }),
  logFormat: z
    .enum(['auto', 'json', 'pretty'])
    .default('auto')
    .describe(
      'Lines on standard output: `json`, `pretty`, or `auto`, which is `pretty` on a terminal only. Files are always JSON.',
    )
    .meta({ env: 'LOG_FORMAT' }),
  logFileEventField: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,63}$/, 'lower-case letters, digits and _')
    .default('event')
    .describe(
      'Name of the `event` field in the log file alone. `event_name` suits Logstash and Filebeat with ECS templates.',
    )
    .meta({ env: 'LOG_FILE_EVENT_FIELD' }),
  metricsToken: z
    .union([z.string().min(1), z.instanceof(Secret)])
    .transform((value) => (value instanceof Secret ? value : new Secret(value)))
    .optional()
    .describe(
      'Bearer token that /metrics then asks for; without it /health shows no account or domain names to a scraper.',
    )
    .meta({ env: 'METRICS_TOKEN', secret: true }),
  domainLabels: z
    .int()
    .min(1)
    .max(1000)
    .default(100)
    .describe('Most domains that get metric series of their own; later ones are counted as `other`.'),
  modelLabels: z
    .int()
    .min(1)
    .max(500)
    .default(30)
    .describe(
      'Most pairs of provider and model that get metric series of their own; later ones are counted as `other`.',
    ),
})

export type TelemetryConfig = z.infer<typeof telemetryConfig>
/** What logs and metrics are made by. The token is for whoever serves them. */
export type TelemetrySettings = Omit<TelemetryConfig, 'metricsToken'>

const defaultLogFile = '/var/log/ccproxy/app.log'

/** The path behind the setting `logFile`: `true`, `1` and `default` stand for the usual place. */
export function logFilePath(logFile: string | undefined): string | undefined {
  return logFile !== undefined && /^(?:true|1|default)$/i.test(logFile) ? defaultLogFile : logFile
}
