// The manifests fit together, and the rules in the cluster are the rules of deploy/prometheus.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { rulesFolder } from './rules.ts'

// biome-ignore lint/suspicious/noExplicitAny: only looked into by expectations.
type Manifest = any
const manifests: Manifest[] = parseAllDocuments(readFileSync('deploy/kubernetes/signalbox.yaml', 'utf8')).map((one) => {
  expect('errors' in one ? one.errors : []).toEqual([])
  return 'toJS' in one ? one.toJS() : null
})
const monitor: Manifest = parse(readFileSync('deploy/kubernetes/service-monitor.yaml', 'utf8'))
const ofKind = (...kinds: string[]): Manifest[] => manifests.filter(({ kind }) => kinds.includes(kind))
const workloads = ofKind('Deployment', 'StatefulSet')
const selects = (selector: Record<string, string>, labels: Record<string, string>): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value)

test('every workload selects its own pods, and every service exactly one workload, by a port it has', () => {
  expect(workloads).toHaveLength(2)
  for (const { spec } of workloads) expect(selects(spec.selector.matchLabels, spec.template.metadata.labels)).toBe(true)
  for (const { metadata, spec } of ofKind('Service')) {
    const found = workloads.filter((one) => selects(spec.selector, one.spec.template.metadata.labels))
    expect(found, metadata.name).toHaveLength(1)
    const [container] = found[0].spec.template.spec.containers
    for (const port of spec.ports)
      expect(container.ports).toContainEqual({ name: port.targetPort, containerPort: port.port })
  }
})

test('the monitor finds the service of the proxy alone, and makes its job ccproxy', () => {
  const found = ofKind('Service').filter(({ metadata }) => selects(monitor.spec.selector.matchLabels, metadata.labels))
  expect(found.map(({ metadata }) => metadata.name)).toEqual(['signalbox-proxy'])
  expect(found[0].metadata.labels[monitor.spec.jobLabel]).toBe('ccproxy')
  expect(found[0].spec.ports.map(({ name }: Manifest) => name)).toContain(monitor.spec.endpoints[0].port)
})

test('budget and autoscaler are about the proxy', () => {
  const names = workloads.map(({ kind, metadata }) => `${kind}/${metadata.name}`)
  const [{ spec: scaler }] = ofKind('HorizontalPodAutoscaler')
  expect(names).toContain(`${scaler.scaleTargetRef.kind}/${scaler.scaleTargetRef.name}`)
  const [{ spec: budget }] = ofKind('PodDisruptionBudget')
  expect(
    workloads.filter((one) => selects(budget.selector.matchLabels, one.spec.template.metadata.labels)),
  ).toHaveLength(1)
})

test('no pod has rights, and each gets the time its streams need', () => {
  for (const { spec } of workloads) {
    const pod = spec.template.spec
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 10001 })
    const [container] = pod.containers
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    for (const { name } of container.volumeMounts) {
      const claims = spec.volumeClaimTemplates ?? []
      const named = [...pod.volumes, ...claims.map(({ metadata }: Manifest) => metadata)]
      expect(named.map((volume) => volume.name)).toContain(name)
    }
    const grace = container.env?.find(({ name }: Manifest) => name === 'SHUTDOWN_GRACE_MS')?.value ?? 0
    expect((pod.terminationGracePeriodSeconds ?? 30) * 1000).toBeGreaterThan(Number(grace) + 10_000)
  }
})

test('the rules in the cluster are the rules of Prometheus', async () => {
  const groups = readdirSync(rulesFolder)
    .sort()
    .flatMap((file) => parse(readFileSync(`${rulesFolder}/${file}`, 'utf8')).groups)
  const rule = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'signalbox', labels: { app: 'ccproxy' } },
    spec: { groups },
  }
  const head = '# Made from deploy/prometheus/rules: npx vitest run test/deploy/kubernetes.test.ts -u\n'
  await expect(`${head}${stringify(rule, { lineWidth: 0 })}`).toMatchFileSnapshot(
    '../../deploy/kubernetes/prometheus-rule.yaml',
  )
})
