/** Metrics of the settings: whether the file is the one in effect. */
import { gauge } from './row.ts'

export const settingsRows = {
  signalbox_config_reload_success: gauge(
    '1 while the settings in effect are those of the file; 0 where it was changed and has a mistake (see the log).',
    'boolean',
    'settings',
    'min',
  ),
  signalbox_config_reload_timestamp_seconds: gauge(
    'When settings were last read and taken, at the start or since.',
    'timestamp',
    'settings',
    'max',
  ),
} as const
