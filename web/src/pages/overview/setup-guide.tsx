import { useQuery } from '@tanstack/react-query'
import { setupQuery } from '../../api/queries.ts'
import { CopyLine } from '../../ui/copy-line.tsx'
import { Panel, PanelError, Skeleton } from '../../ui/panel.tsx'

/** "Every address" is none to go to: the page was reached at one of them. */
function addressOf(proxyUrl: string | null): string {
  if (proxyUrl === null) return 'http://PROXY:3000'
  return proxyUrl.replace(/^(https?:\/\/)(0\.0\.0\.0|\[::\])(?=[:/]|$)/, `$1${window.location.hostname}`)
}

/** What a new installation shows instead of empty charts: the one line to paste. */
export function SetupGuide() {
  const setup = useQuery(setupQuery)
  const { data } = setup
  return (
    <Panel title="Send the first call through">
      <div className="grid max-w-3xl gap-4 px-3 py-4">
        {setup.isError && <PanelError error={setup.error} onRetry={() => void setup.refetch()} />}
        {setup.isPending && <Skeleton className="h-16" />}
        {data !== undefined && (
          <>
            <p>Nothing has been recorded yet. Paste this into the terminal where Claude Code runs, then start it:</p>
            <CopyLine
              text={`export ANTHROPIC_BASE_URL=${addressOf(data.proxy_url)}`}
              label="the line for Claude Code"
            />
            {data.proxy_url === null && (
              <p>This dashboard runs without a proxy of its own: put in the address of the one that callers reach.</p>
            )}
            {data.client_key_required ? (
              <>
                <p>This installation asks callers for a key. Make one and hand it over in the same terminal:</p>
                <CopyLine text="signalbox keys create --domain web" label="the line that makes a key" />
                <CopyLine text="export ANTHROPIC_AUTH_TOKEN=sbx_…" label="the line with the key" />
              </>
            ) : (
              <p className="text-soft">
                Any program for the Anthropic API works the same way: set its base URL to that address. Its own key
                passes through.
              </p>
            )}
            <p className="text-soft">The call appears here by itself, a moment after it ends.</p>
          </>
        )}
      </div>
    </Panel>
  )
}
