import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const name = '@anthropic-ai/claude-code'
const version = '2.1.330'

/**
 * Installs the Claude Code CLI into `directory`, outside our lockfile, unless it is there already.
 *
 * Its package asks for Node 22, but only for its launcher: what runs is a native binary, so Node 20 will do and npm's
 * warning means nothing. npm 11 runs no install scripts without approval; the package's own one, which puts the binary of
 * this platform into its place, is run here by hand.
 */
export async function installClaudeCode(directory) {
  const home = path.join(directory, 'node_modules', ...name.split('/'))
  const binary = path.join(home, 'bin', 'claude.exe') // called so on every platform
  if (installedVersion(home) !== version) {
    mkdirSync(directory, { recursive: true })
    const flags = [
      '--no-save',
      '--no-package-lock',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--engine-strict=false',
    ]
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
    await run(npm, ['install', '--prefix', directory, ...flags, `${name}@${version}`], {
      timeout: 120_000,
      cwd: directory,
    })
  }
  await run(process.execPath, ['install.cjs'], { cwd: home, timeout: 30_000 })
  const { stdout } = await run(binary, ['--version'], { timeout: 30_000 })
  if (!stdout.startsWith(version)) throw new Error(`${binary} is version ${stdout.trim()}, not ${version}`)
  return { binary, version }
}

function installedVersion(home) {
  const manifest = path.join(home, 'package.json')
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined
}
