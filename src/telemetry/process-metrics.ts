import { readdir, readFile } from 'node:fs/promises'
import { constants, type NodeGCPerformanceDetail, PerformanceObserver, performance } from 'node:perf_hooks'
import type { Clock } from '../core/clock.ts'
import type { ProcessName } from './catalogue/row.ts'
import type { MetricRegistry } from './metric-registry.ts'

const lagEveryMs = 100

/** Metrics of this process: event loop, garbage collector, CPU, memory, file descriptors. Returns how to stop watching. */
export function registerProcessMetrics(registry: MetricRegistry, name: ProcessName, clock: Clock): () => void {
  const stops = [watchEventLoop(registry, name, clock), watchGarbageCollector(registry, name)]
  registerResources(registry, name, clock)
  return () => {
    for (const stop of stops) stop()
  }
}

function watchEventLoop(registry: MetricRegistry, name: ProcessName, clock: Clock): () => void {
  const lag = registry.histogram('signalbox_event_loop_lag_seconds').child({ process: name })
  const utilization = registry.gauge('signalbox_event_loop_utilization').child({ process: name })
  let last = clock.monotonic()
  const timer = setInterval(() => {
    const now = clock.monotonic()
    lag.observe(Math.max(0, now - last - lagEveryMs) / 1000)
    last = now
  }, lagEveryMs)
  timer.unref()
  let before = performance.eventLoopUtilization()
  registry.onScrape(() => {
    const now = performance.eventLoopUtilization()
    utilization.set(performance.eventLoopUtilization(now, before).utilization)
    before = now
  })
  return () => clearInterval(timer)
}

const gcKinds = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weak_callbacks'],
] as const)

function watchGarbageCollector(registry: MetricRegistry, name: ProcessName): () => void {
  const pauses = registry.histogram('signalbox_gc_pause_seconds')
  for (const kind of gcKinds.values()) pauses.child({ process: name, kind })
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      // Entries of type `gc` carry this detail (Node documentation, "perf_hooks").
      const { kind: number } = (entry as typeof entry & { readonly detail: NodeGCPerformanceDetail }).detail
      const kind = [...gcKinds].find(([code]) => code === number)?.[1]
      if (kind !== undefined) pauses.child({ process: name, kind }).observe(entry.duration / 1000)
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => observer.disconnect()
}

/** Under the names every Prometheus client uses. */
function registerResources(registry: MetricRegistry, name: ProcessName, clock: Clock): void {
  const labels = { process: name }
  const user = registry.counter('process_cpu_user_seconds_total').child(labels)
  const system = registry.counter('process_cpu_system_seconds_total').child(labels)
  const cpu = registry.counter('process_cpu_seconds_total').child(labels)
  const resident = registry.gauge('process_resident_memory_bytes').child(labels)
  const heap = registry.gauge('process_heap_bytes').child(labels)
  registry
    .gauge('process_start_time_seconds')
    .child(labels)
    .set(Math.round(clock.now() / 1000 - process.uptime()))
  registry.onScrape(() => {
    const used = process.cpuUsage()
    user.follow(used.user / 1e6)
    system.follow(used.system / 1e6)
    cpu.follow((used.user + used.system) / 1e6)
    const memory = process.memoryUsage()
    resident.set(memory.rss)
    heap.set(memory.heapUsed)
  })
  if (process.platform === 'linux') registerLinuxResources(registry, name)
}

function registerLinuxResources(registry: MetricRegistry, name: ProcessName): void {
  const labels = { process: name }
  const virtual = registry.gauge('process_virtual_memory_bytes').child(labels)
  const most = registry.gauge('process_max_fds').child(labels)
  const open = registry.gauge('process_open_fds').child(labels)
  registry.onScrape(async () => {
    const [status, limits, descriptors] = await Promise.all([
      readFile('/proc/self/status', 'utf8'),
      readFile('/proc/self/limits', 'utf8'),
      readdir('/proc/self/fd'),
    ])
    virtual.set(Number(/^VmSize:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024)
    most.set(Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 0))
    open.set(descriptors.length)
  })
}
