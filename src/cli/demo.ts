import path from 'node:path'
import type { Command } from 'commander'
import type { Programs } from './programs.ts'
import { serve } from './serve.ts'
import { withSettingFlags } from './setting-flags.ts'
import type { Terminal } from './terminal.ts'

/** Below the data directory: invented calls and their costs stay out of the ledger of the real ones. */
export const demoDirectory = 'demo'

/** `signalbox demo`: `start` with the simulated provider and generated traffic, in a data directory of its own. */
export function addDemo(program: Command, programs: Programs, terminal: Terminal): void {
  withSettingFlags(program.command('demo'))
    .description('Run everything with a simulated provider and generated traffic: no key, no network.')
    .action((_options: unknown, command: Command) =>
      serve({
        command,
        programs,
        terminal,
        part: 'all',
        traffic: true,
        flags: [{ flag: 'signalbox demo', path: 'providers.default', value: 'simulated' }],
        adjust: (config) => ({ ...config, dataDir: path.join(config.dataDir, demoDirectory) }),
      }),
    )
}
