import type { Instance } from './programs.ts'

/** What a started instance tells the person who started it. */
export interface Greeting extends Omit<Instance, 'stop' | 'failed'> {
  readonly simulated: boolean
  readonly graceSeconds: number
}

/** The few lines after the start. The export line stands for itself, unindented, so that it can be pasted whole. */
export function renderGreeting(greeting: Greeting): string {
  const { proxyUrl, dashboardUrl, dashboardKey, psql, databaseUp } = greeting
  const rows: [string, string][] = []
  if (proxyUrl !== null) rows.push(['proxy', reachable(proxyUrl)])
  if (dashboardUrl !== null) {
    const link = reachable(dashboardUrl)
    rows.push(['dashboard', dashboardKey === null ? link : `${link}/#key=${encodeURIComponent(dashboardKey.value)}`])
    if (dashboardKey === null) rows.push(['key', 'the one you set as DASHBOARD_API_KEY'])
    else rows.push(['key', `${dashboardKey.value}  (kept in ${dashboardKey.file})`])
  }
  if (!databaseUp)
    rows.push(['database', 'does not answer yet: calls are served and kept, and stored once it does (see the log)'])
  else if (psql !== null) rows.push(['database', psql])

  const client =
    proxyUrl === null
      ? ''
      : `\nPoint Claude Code at it${greeting.simulated ? ' (answers are simulated)' : ''}:\n\nexport ANTHROPIC_BASE_URL=${reachable(proxyUrl)}\n`
  const table = rows.map(([name, value]) => `  ${name.padEnd(10)} ${value}`).join('\n')
  return `\nSignalbox is running.\n\n${table}\n${client}\nCtrl-C stops it; open streams get ${greeting.graceSeconds} s to end.\n\n`
}

/** An address to listen on is not always one to go to: "every address" is reached at this machine's own. */
function reachable(url: string): string {
  return url.replace(/^(https?:\/\/)(0\.0\.0\.0|\[::\])(?=[:/]|$)/, '$1127.0.0.1').replace(/\/$/, '')
}
