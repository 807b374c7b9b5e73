import os from 'node:os'
import path from 'node:path'
import process from 'node:process'

/** Where Claude Code keeps its transcripts, as it finds it itself: `CLAUDE_CONFIG_DIR`, else `.claude` in the home directory. */
export function claudeConfigDir(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const configured = env.CLAUDE_CONFIG_DIR
  return configured === undefined || configured === '' ? path.join(os.homedir(), '.claude') : path.resolve(configured)
}
