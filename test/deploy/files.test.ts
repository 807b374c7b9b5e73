// The files that ship for other programs: the real program judges each where it can be installed, else its own rules do.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { createLocalTime } from '../../src/telemetry/local-time.ts'
import { requestLine, responseLine } from '../../src/telemetry/log-line.ts'
import { closedExchange, openedExchange } from '../support/exchanges.ts'
import { isInstalled, runProgram } from './program.ts'
import { readRules } from './rules.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'signalbox-deploy-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const read = (file: string): string => readFileSync(path.join('deploy', file), 'utf8')
const files = readdirSync('deploy', { recursive: true, encoding: 'utf8' })

test.each(files.filter((file) => /\.(ya?ml|json)$/.test(file)))('%s can be read', (file) => {
  if (file.endsWith('.json')) expect(JSON.parse(read(file))).toBeTruthy()
  else
    for (const one of parseAllDocuments(read(file), { merge: true })) expect('errors' in one && one.errors).toEqual([])
})

describe('Alertmanager', () => {
  const amtool = (...args: string[]): string => {
    const { code, output } = runProgram('amtool', args)
    expect(output).not.toContain('FAILED')
    expect(code).toBe(0)
    // It warns about its own flag in the next line.
    return output.trim().split('\n')[0] ?? ''
  }
  const file = '--config.file=deploy/alertmanager/alertmanager.yml'

  test.skipIf(!isInstalled('amtool'))('amtool takes the file, and every severity has its receiver', () => {
    amtool('check-config', 'deploy/alertmanager/alertmanager.yml')
    expect(amtool('config', 'routes', 'test', file, 'alertname=Watchdog', 'severity=none')).toBe('dead-mans-switch')
    expect(amtool('config', 'routes', 'test', file, 'alertname=CCProxyDown', 'severity=critical')).toBe('on-call')
    expect(amtool('config', 'routes', 'test', file, 'alertname=HighLatency', 'severity=warning')).toBe('slack')
  })

  test('names no alert that does not exist', () => {
    const alerts = new Set(readRules().map(({ alert }) => alert))
    const named = [...read('alertmanager/alertmanager.yml').matchAll(/\b(?:Signalbox|CCProxy|High)[A-Z]\w+/g)]
    expect(named.length).toBeGreaterThan(5)
    expect(named.map(([name]) => name).filter((name) => !alerts.has(name))).toEqual([])
  })
})

test.skipIf(!isInstalled('promtool'))('promtool takes the configuration of the compose file', () => {
  const { code } = runProgram('promtool', ['check', 'config', '--syntax-only', 'deploy/compose/prometheus.yml'])
  expect(code).toBe(0)
})

const nginx = isInstalled('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx'
test.skipIf(!isInstalled(nginx) || !isInstalled('openssl'))('nginx takes its file', () => {
  const pem = (name: string): string => path.join(folder, name)
  const certificate = ['-keyout', pem('privkey.pem'), '-out', pem('fullchain.pem'), '-days', '2', '-subj', '/CN=x']
  expect(runProgram('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...certificate]).code).toBe(0)
  writeFileSync(pem('signalbox.conf'), read('nginx/signalbox.conf').replaceAll('/etc/nginx/tls', folder))
  const whole = `pid ${pem('pid')}; error_log stderr; events {} http { access_log off; include ${pem('signalbox.conf')}; }`
  writeFileSync(pem('nginx.conf'), whole)
  const { code, output } = runProgram(nginx, ['-t', '-p', folder, '-c', pem('nginx.conf')])
  expect(output).not.toMatch(/\[(warn|emerg)\]/)
  expect(code).toBe(0)
})

const logrotate = isInstalled('/usr/sbin/logrotate') ? '/usr/sbin/logrotate' : 'logrotate'
test.skipIf(!isInstalled(logrotate))('logrotate moves the file away and calls for the signal', () => {
  const log = path.join(folder, 'app.log')
  const called = path.join(folder, 'called')
  writeFileSync(log, 'a line\n', { mode: 0o640 })
  const rotation = read('logrotate/signalbox')
    .replace('/var/log/ccproxy/*.log', log)
    .replace(/^ {4}su .*$/m, '')
    .replace('systemctl reload signalbox.service', `touch ${called}`)
  const file = path.join(folder, 'rotation')
  writeFileSync(file, rotation, { mode: 0o644 })
  const { code, output } = runProgram(logrotate, ['-f', '-s', path.join(folder, 'state'), file])
  expect(output).not.toMatch(/error/i)
  expect(code).toBe(0)
  expect(readFileSync(`${log}.1`, 'utf8')).toBe('a line\n')
  expect(existsSync(log)).toBe(false)
  expect(existsSync(called)).toBe(true)
})

test.skipIf(!isInstalled('systemd-analyze'))('systemd takes the unit', () => {
  const unit = path.join(folder, 'signalbox.service')
  writeFileSync(unit, read('systemd/signalbox.service').replace('/usr/bin/node', process.execPath))
  const { code, output } = runProgram('systemd-analyze', ['verify', unit])
  expect(output).not.toContain('signalbox.service:')
  expect(code).toBe(0)
})

describe('containers', () => {
  const service = z.looseObject({
    image: z.string(),
    environment: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
    volumes: z.array(z.string()).optional(),
    ports: z.array(z.string()).optional(),
    secrets: z.array(z.union([z.string(), z.looseObject({ source: z.string() })])).optional(),
    restart: z.literal('unless-stopped'),
    logging: z.looseObject({ options: z.looseObject({ 'max-size': z.string() }) }),
  })
  const compose = z.looseObject({
    services: z.record(z.string(), service),
    volumes: z.record(z.string(), z.unknown()),
    secrets: z.record(z.string(), z.object({ file: z.string() })).optional(),
  })

  describe.each(['compose.yml', 'production.yml'])('%s', (file) => {
    const { services, volumes, secrets = {} } = compose.parse(parse(read(`compose/${file}`), { merge: true }))
    const ours = Object.values(services).filter(({ image }) => image.startsWith('signalbox'))

    test('everything it names is there', () => {
      for (const [name, one] of Object.entries(services)) {
        for (const volume of one.volumes ?? []) {
          const [from = ''] = volume.split(':')
          if (from.startsWith('.')) expect(existsSync(path.join('deploy/compose', from)), `${name}: ${from}`).toBe(true)
          else expect(volumes, name).toHaveProperty([from])
        }
        for (const secret of one.secrets ?? [])
          expect(secrets, name).toHaveProperty([typeof secret === 'string' ? secret : secret.source])
        for (const value of Object.values(one.environment ?? {})) {
          const secret = /^\/run\/secrets\/(.+)$/.exec(String(value))?.[1]
          if (secret !== undefined) expect(one.secrets, name).toContain(secret)
        }
      }
    })

    test('ours have no rights and write nowhere but to their volumes', () => {
      expect(ours.length).toBeGreaterThan(0)
      for (const one of ours)
        expect(one).toMatchObject({
          read_only: true,
          cap_drop: ['ALL'],
          security_opt: ['no-new-privileges:true'],
          build: { context: '../..', dockerfile: 'deploy/docker/Dockerfile' },
        })
    })

    test('no port is open to the network, no secret is written in it', () => {
      for (const one of Object.values(services))
        for (const port of one.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/)
      expect(read(`compose/${file}`)).not.toMatch(/(password|token|key)\w*: *['"]?[A-Za-z0-9]{12,}/i)
    })

    test('our settings are settings', () => {
      const known = readFileSync('docs/configuration.md', 'utf8')
      for (const one of ours)
        for (const name of Object.keys(one.environment ?? {})) expect(known, name).toContain(`\`${name}\``)
    })
  })

  test('the image is built from what is there, and runs as nobody', () => {
    const lines = read('docker/Dockerfile').split('\n')
    const copied = lines.flatMap((line) => {
      const words = /^COPY (?!--from)(.*)$/.exec(line)?.[1]?.split(' ') ?? []
      return words.slice(0, -1)
    })
    expect(copied.length).toBeGreaterThan(4)
    expect(copied.filter((file) => !existsSync(file))).toEqual([])
    const ignored = read('docker/Dockerfile.dockerignore')
    for (const file of copied) expect(ignored).toContain(`!${file}`)
    expect(lines.findLast((line) => line.startsWith('USER '))).toBe('USER 10001:10001')
    expect(lines.some((line) => line.startsWith('HEALTHCHECK '))).toBe(true)
  })

  test('the secrets are made once', () => {
    const secrets = path.join(folder, 'secrets')
    const make = (): Record<string, string> => {
      const { code, output } = runProgram('bash', ['deploy/compose/make-secrets.sh', secrets])
      expect(output).toContain('dashboard_key')
      expect(code).toBe(0)
      return Object.fromEntries(
        readdirSync(secrets).map((name) => [name, readFileSync(path.join(secrets, name), 'utf8')]),
      )
    }
    const first = make()
    expect(make()).toEqual(first)
    expect(statSync(secrets).mode & 0o777).toBe(0o700)
    expect(first.database_url).toContain(`:${first.postgres_password}@postgres:`)
    const { secrets: wanted = {} } = compose.parse(parse(read('compose/production.yml'), { merge: true }))
    expect(Object.keys(first).sort()).toEqual(Object.keys(wanted).sort())
  })
})

describe('Elasticsearch and Kibana', () => {
  const template = JSON.parse(read('logstash/index-template.json'))
  const mapped: Record<string, { type?: string; properties?: Record<string, { type: string }> }> =
    template.template.mappings.properties
  const fits = (value: unknown, type: string | undefined): boolean => {
    if (typeof value === 'boolean') return type === 'boolean'
    if (typeof value === 'number') return /^(long|integer|float|double|date)$/.test(type ?? '')
    return /^(keyword|text|date)$/.test(type ?? '')
  }

  test('the index template has every field of the lines of a call, in its type', () => {
    const time = createLocalTime(() => 60)
    const failed = { outcome: 'provider_error', errorType: 'provider_overloaded', errorMessage: 'Overloaded' } as const
    const lines = [
      requestLine(openedExchange(), time),
      responseLine({ ...closedExchange(), costUsd: 1, priceSource: 'default' }, time),
      responseLine({ ...closedExchange(), ...failed, costUsd: 1, priceSource: 'default' }, time),
    ]
    for (const [field, value] of lines.flatMap((line) => Object.entries(line))) {
      if (typeof value === 'object')
        for (const [inner, count] of Object.entries(value))
          expect(fits(count, mapped[field]?.properties?.[inner]?.type), `${field}.${inner}`).toBe(true)
      else expect(fits(value, mapped[field]?.type), field).toBe(true)
    }
  })

  test('Logstash reads the file as the guide does, and puts the template in place', () => {
    const text = read('logstash/signalbox.conf').replaceAll(/#.*$/gm, '')
    expect(text.split('{').length).toBe(text.split('}').length)
    for (const word of ['"anthropic_request"', '"anthropic_response"', 'codec => "json"', 'index-template.json'])
      expect(text).toContain(word)
    expect(parse(read('logstash/logstash.yml'))).toMatchObject({ 'pipeline.ecs_compatibility': 'disabled' })
  })

  test('the saved objects refer to each other and to fields that are mapped', () => {
    const objects = read('kibana/signalbox.ndjson')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const ids = new Set(objects.map(({ type, id }) => `${type}/${id}`))
    for (const { references } of objects)
      for (const { type, id } of references) expect(ids.has(`${type}/${id}`), id).toBe(true)
    const visualizations = objects.filter(({ type }) => type === 'visualization')
    expect(visualizations).toHaveLength(4)
    for (const { attributes } of visualizations)
      for (const { params } of JSON.parse(attributes.visState).aggs)
        if (params.field !== undefined) expect(mapped).toHaveProperty([params.field])
  })
})
