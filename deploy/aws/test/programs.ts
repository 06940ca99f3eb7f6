import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { repositoryRoot } from '../src/repository.ts'
import type { Profile } from '../src/settings.ts'
import { containerOf, environmentOf, profiles, taskOf, templateOf } from './support/synth.ts'

// What the tasks hand to the programs is handed to the same programs here. scripts/aws.mjs says where they are.
const { OTELCOL: otelcol, PROMTOOL: promtool } = process.env
const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'throughline-aws-'))
after(() => rmSync(folder, { recursive: true }))

/** The variables of the Collector's task, with what only AWS gives it. */
const collectorEnvironment = (profile: Profile): Record<string, string> => ({
  ...Object.fromEntries(
    Object.entries(environmentOf(containerOf(templateOf({ profile }), 'Collector', 'collector'))).map(
      ([name, value]) => [name, value.replace('<AWS::URLSuffix>', 'amazonaws.com')],
    ),
  ),
  THROUGHLINE_INGEST_TOKEN: 'tl_ingest_x',
  CLIENT_TOKEN: 'tl_ingest_y',
  AWS_ACCESS_KEY_ID: 'x',
  AWS_SECRET_ACCESS_KEY: 'x',
  THROUGHLINE_COLLECTOR_STORAGE: join(folder, profile),
})

for (const profile of profiles)
  test(`the Collector takes the configuration of profile ${profile} as its task hands it over`, {
    skip: otelcol === undefined,
  }, async () => {
    const container = containerOf(templateOf({ profile }), 'Collector', 'collector')
    await run(otelcol!, ['validate', ...container.Command!], { env: collectorEnvironment(profile) })
    assert.equal(container.MountPoints?.[0]?.ContainerPath, '/var/lib/throughline/collector')
  })

test('the Collector takes records with the token of services, and refuses those without', {
  skip: otelcol === undefined,
}, async () => {
  const [http, inside, health, metrics] = await freePorts(4)
  const child = spawn(
    otelcol!,
    containerOf(templateOf({ profile: 'prometheus' }), 'Collector', 'collector').Command!,
    {
      env: {
        ...collectorEnvironment('prometheus'),
        THROUGHLINE_OTLP_HTTP: `127.0.0.1:${http}`,
        THROUGHLINE_OTLP_GRPC: '127.0.0.1:0',
        INSIDE_OTLP: `127.0.0.1:${inside}`,
        THROUGHLINE_COLLECTOR_HEALTH: `127.0.0.1:${health}`,
        THROUGHLINE_COLLECTOR_METRICS_HOST: '127.0.0.1',
        THROUGHLINE_COLLECTOR_METRICS_PORT: String(metrics),
      },
      stdio: 'ignore',
    },
  )
  try {
    const status = (url: string, init?: RequestInit): Promise<number> =>
      fetch(url, init).then(
        (answer) => answer.status,
        () => 0,
      )
    const deadline = Date.now() + 30_000
    while ((await status(`http://127.0.0.1:${health}/`)) !== 200 && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 100))
    const send = (port: number | undefined, path: string, headers: Record<string, string>): Promise<number> =>
      status(`http://127.0.0.1:${port}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: '{"resourceSpans":[],"resourceMetrics":[]}',
      })
    assert.equal(await send(http, '/v1/traces', { authorization: 'Bearer tl_ingest_y' }), 200)
    assert.equal(await send(http, '/v1/traces', { authorization: 'Bearer tl_ingest_z' }), 401)
    assert.equal(await send(http, '/v1/traces', {}), 401)
    // The recorder's own way in: for its gauges, and not for records.
    assert.equal(await send(inside, '/v1/metrics', {}), 200)
    assert.equal(await send(inside, '/v1/traces', {}), 404)
  } finally {
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'exit')
  }
})

/** Ports of loopback that nobody has at this moment. */
const freePorts = async (count: number): Promise<number[]> => {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

for (const profile of profiles)
  test(`the linter finds nothing in the configuration of profile ${profile}`, async () => {
    const environment = environmentOf(containerOf(templateOf({ profile }), 'Collector', 'collector'))
    const files = ['COLLECTOR_BASE', 'COLLECTOR_PROFILE', 'COLLECTOR_AWS'].map((name) => {
      const path = join(folder, `${profile}-${name}.yaml`)
      writeFileSync(path, environment[name]!)
      return path
    })
    const program = join(repositoryRoot, 'packages/cli/bin/throughline.js')
    await run(process.execPath, [program, 'lint-collector', ...files])
  })

/** What the first container of a task unpacks. */
const unpack = (service: string): string => {
  const target = mkdtempSync(join(folder, `${service}-`))
  const { FILES = '' } = environmentOf(containerOf(templateOf(), service, 'files'))
  execFileSync('/bin/sh', ['-euc', 'echo "$FILES" | base64 -d | tar xz'], {
    cwd: target,
    env: { PATH: process.env.PATH, FILES },
  })
  return target
}

test('Prometheus takes its configuration and its rules as the task unpacks them', {
  skip: promtool === undefined,
}, async () => {
  const target = unpack('Prometheus')
  const path = join(target, 'prometheus.json')
  const configuration = JSON.parse(readFileSync(path, 'utf8'))
  assert.deepEqual(configuration.rule_files, ['/etc/throughline/rules/*.yaml'])
  assert.deepEqual(
    configuration.scrape_configs.map((one: { job_name: string }) => one.job_name),
    ['otelcol', 'throughline-recorder', 'prometheus'],
  )
  // The build at hand has no service discovery by DNS, so that job is checked with an address; the rest is as it is.
  const recorder = configuration.scrape_configs[1]
  assert.deepEqual(recorder.dns_sd_configs, [
    { names: ['recorder.throughline.internal'], type: 'A', port: 4400 },
  ])
  const { dns_sd_configs: _, ...rest } = recorder
  configuration.scrape_configs[1] = { ...rest, static_configs: [{ targets: ['127.0.0.1:4400'] }] }
  writeFileSync(join(target, 'read-token'), 'tl_read_x')
  writeFileSync(path, JSON.stringify(configuration).replaceAll('/etc/throughline', target))
  const { stdout } = await run(promtool!, ['check', 'config', path])
  assert.match(stdout, /SUCCESS: 5 rule files found|5 rule files/)
})

test('the alerts about its storage fire and do not fire as their cases say', {
  skip: promtool === undefined,
}, async () => {
  const rules = join(repositoryRoot, 'deploy/aws/rules')
  await run(promtool!, ['check', 'rules', 'storage.yaml'], { cwd: rules })
  await run(promtool!, ['test', 'rules', 'tests/storage.yaml'], { cwd: rules })
})

test('Grafana finds dashboards and sources where its task unpacks them', () => {
  const target = unpack('Grafana')
  const grafana = containerOf(templateOf(), 'Grafana', 'grafana')
  const environment = environmentOf(grafana)
  const mounted = grafana.MountPoints?.find(({ SourceVolume }) => SourceVolume === 'files')?.ContainerPath
  assert.equal(environment.GF_PATHS_PROVISIONING, `${mounted}/provisioning`)
  const dashboards = readdirSync(join(target, 'dashboards')).sort()
  assert.deepEqual(dashboards, readdirSync(join(repositoryRoot, 'deploy/grafana/dashboards')).sort())
  for (const name of dashboards) {
    const text = readFileSync(join(target, 'dashboards', name), 'utf8')
    JSON.parse(text)
    assert.doesNotMatch(text, /127\.0\.0\.1/)
  }
  const provider = readFileSync(join(target, 'provisioning/dashboards/throughline.yaml'), 'utf8')
  assert.equal(parse(provider).providers[0].options.path, `${mounted}/dashboards`)
  // Each variable of the sources is one that the task has.
  const sources = readFileSync(join(target, 'provisioning/datasources/throughline.yaml'), 'utf8')
  const known = [...Object.keys(environment), ...(grafana.Secrets ?? []).map(({ Name }) => Name)]
  for (const [, name] of sources.matchAll(/(?<!\$)\$\{(\w+)\}/g)) assert.ok(known.includes(name!), name)
})

test('Jaeger has its pages under their path, and every extension that it is to run', () => {
  const { JAEGER_CONFIGURATION = '' } = environmentOf(containerOf(templateOf(), 'Jaeger', 'jaeger'))
  const configuration = JSON.parse(JAEGER_CONFIGURATION)
  assert.equal(configuration.extensions.jaeger_query.base_path, '/jaeger')
  assert.deepEqual(Object.keys(configuration.extensions).sort(), [...configuration.service.extensions].sort())
  assert.ok(taskOf(templateOf(), 'Jaeger').properties)
})
