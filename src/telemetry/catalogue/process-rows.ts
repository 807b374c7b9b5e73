/** Metrics of the processes themselves, of the log and of the metrics. */
import { components, counter, gauge, histogram, levels, processNames } from './row.ts'

const lagSeconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const gcSeconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]
const overflowing = [
  ...['domain', 'provider', 'model', 'query', 'flag', 'reason', 'note', 'account', 'window', 'series'],
] as const
const perProcess = { process: processNames } as const

export const processRows = {
  signalbox_healthy: gauge(
    '1 while the part works. The scrape itself always answers 200.',
    'boolean',
    'component states',
    'min',
    {
      labels: { component: components },
    },
  ),
  signalbox_build_info: gauge('Always 1; the labels tell what runs.', 'count', 'process', 'max', {
    labels: { version: 'version', commit: 'version' },
  }),
  signalbox_sse_connections: gauge('Open connections of /api/sse.', 'count', 'dashboard', 'sum'),
  signalbox_gateway_streams: gauge(
    'Streams the gateway holds open, by its own count.',
    'count',
    'gateway streams',
    'sum',
  ),
  signalbox_stream_oldest_idle_seconds: gauge(
    'Longest time any open stream has had no bytes.',
    'seconds',
    'gateway streams',
    'max',
  ),

  signalbox_event_loop_lag_seconds: histogram('How late a timer of 100 ms fires.', 'seconds', 'process', lagSeconds, {
    labels: perProcess,
  }),
  signalbox_event_loop_utilization: gauge(
    'Busy share of the event loop since the last scrape; the busiest worker.',
    'ratio',
    'process',
    'max',
    {
      labels: perProcess,
    },
  ),
  signalbox_gc_pause_seconds: histogram('Pauses of the garbage collector.', 'seconds', 'process', gcSeconds, {
    labels: { ...perProcess, kind: ['minor', 'major', 'incremental', 'weak_callbacks'] },
  }),
  process_cpu_user_seconds_total: counter('User CPU time.', 'seconds', 'process', { labels: perProcess }),
  process_cpu_system_seconds_total: counter('System CPU time.', 'seconds', 'process', { labels: perProcess }),
  process_cpu_seconds_total: counter('User and system CPU time.', 'seconds', 'process', { labels: perProcess }),
  process_resident_memory_bytes: gauge('Resident memory.', 'bytes', 'process', 'sum', { labels: perProcess }),
  process_virtual_memory_bytes: gauge('Virtual memory (Linux only).', 'bytes', 'process', 'sum', {
    labels: perProcess,
  }),
  process_heap_bytes: gauge('Heap of the JavaScript engine in use.', 'bytes', 'process', 'sum', { labels: perProcess }),
  process_open_fds: gauge('Open file descriptors (Linux only).', 'count', 'process', 'sum', { labels: perProcess }),
  process_max_fds: gauge('Most file descriptors a process may open (Linux only).', 'count', 'process', 'min', {
    labels: perProcess,
  }),
  process_start_time_seconds: gauge('Start of the process, of the youngest worker.', 'timestamp', 'process', 'max', {
    labels: perProcess,
  }),

  signalbox_log_lines_total: counter('Log lines.', 'count', 'log', { labels: { level: levels } }),
  signalbox_log_dropped_total: counter('Log lines lost to a full queue or a closed reader.', 'count', 'log', {
    labels: { sink: ['stdout', 'file'] },
  }),
  signalbox_log_write_errors_total: counter('Failed writes of log lines; they are tried again.', 'count', 'log', {
    labels: { sink: ['stdout', 'file'] },
  }),
  signalbox_log_dir_bytes: gauge('Size of the files in the folder of LOG_FILE.', 'bytes', 'log', 'max'),
  signalbox_observer_errors_total: counter(
    'Exchanges that a metric or a log line could not be made of.',
    'count',
    'metrics',
  ),
  signalbox_label_overflow_total: counter(
    'Times a label value was replaced by `other` because its cap was reached.',
    'count',
    'metrics',
    {
      labels: { label: overflowing },
    },
  ),
  signalbox_metric_series: gauge('Metric series held, under a limit of 5,000 a process.', 'count', 'metrics', 'sum'),
}
