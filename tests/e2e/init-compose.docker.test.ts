import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { freePorts, lookups, until } from '@throughline/cli'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apply } from '../../packages/cli/src/init/apply.js'
import { makePlan } from '../../packages/cli/src/init/plan.js'
import { type PortName, portVariable } from '../../packages/cli/src/stack/ports.js'
import { folderOf } from '../../packages/cli/testing/folders.js'
import { IMPORTS, runLines } from '../../packages/sdk/testing/child.js'
import { composeBinary } from '../support/compose-binary.js'
import {
  dockerHostOf,
  folderInMemory,
  noEngine,
  ownEngine,
  startEngine,
  type TestEngine,
} from '../support/docker-engine.js'
import { makeImages } from '../support/images.js'

const missing = await noEngine()

describe.skipIf(missing !== undefined || !ownEngine)('docker: the compose file of throughline init', () => {
  let engine: TestEngine
  let folder: string
  let ports: Record<PortName, number>
  let secrets: Record<string, string>

  beforeAll(async () => {
    folder = folderOf({ 'package.json': '{"name": "shop", "scripts": {"start": "node app.js"}}' })
    const options = { dir: 'throughline', pipeline: true, startLine: true, scripts: [], version: '0.1.0' }
    apply(folder, makePlan(folder, { profile: 'prometheus', ...options }).changes, '0.1.0')
    secrets = parseEnv(readFileSync(join(folder, 'throughline/.env'), 'utf8')) as Record<string, string>
    ports = await freePorts()
    engine = await startEngine({ ports: true, base: folderInMemory() })
    await makeImages(engine.connection)
    writeFileSync(join(folder, 'password'), secrets.POSTGRES_PASSWORD as string)
    writeFileSync(join(folder, 'test.yaml'), ofThisTest(engine))
    await compose('up', '--wait', '--wait-timeout', '120')
  })
  afterAll(async () => {
    await compose('down', '--volumes', '--timeout', '2').catch(() => {})
    await engine?.stop()
  })

  async function compose(...args: string[]): Promise<void> {
    const files = [join(folder, 'throughline/compose.yaml'), join(folder, 'test.yaml')]
    const child = spawn(
      await composeBinary(),
      ['--progress', 'quiet', ...files.flatMap((file) => ['-f', file]), ...args],
      {
        env: {
          PATH: process.env.PATH,
          HOME: folder,
          DOCKER_CONFIG: folder,
          DOCKER_HOST: dockerHostOf(engine),
          ...Object.fromEntries(
            Object.entries(ports).map(([name, port]) => [portVariable(name as PortName), String(port)]),
          ),
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text))
    const code = await new Promise((resolve) => child.once('close', resolve))
    if (code !== 0) throw new Error(`compose ${args.join(' ')}: ${said}`)
  }

  const at = (name: PortName) => `http://127.0.0.1:${ports[name]}`

  test('docker: after `up --wait` an operation is a confirmed row, a trace and a metric', async () => {
    const lines = `${IMPORTS}
      const sdk = await start({ metricsIntervalMs: 500 })
      await correlation.run('order-4711', track('Orders.place', async () => 'placed'))
      process.stdout.write(\`\${await sdk.flush(60_000)}\\n\`)
      await sdk.shutdown()`
    const service = runLines(lines, {
      OTEL_SERVICE_NAME: 'shop',
      OTEL_EXPORTER_OTLP_ENDPOINT: at('otlpHttp'),
      THROUGHLINE_RECORDER_URL: at('recorder'),
      THROUGHLINE_RECORDER_TOKEN: secrets.THROUGHLINE_INGEST_TOKEN as string,
      THROUGHLINE_SPOOL_DIR: join(folder, 's'),
    })
    await service.ended
    // A flush is done when the recorder has confirmed each record.
    expect(service.stdout(), service.stderr()).toBe('true\n')

    const database = `postgres://postgres:${secrets.POSTGRES_PASSWORD}@127.0.0.1:${ports.postgres}/throughline`
    const [row] = await lookups.rowsByCorrelation(database, 'order-4711')
    expect(row).toMatchObject({ service: 'shop', operation: 'place', success: true })
    await until(async () => (await lookups.jaegerTrace(at('jaeger'), row!.traceId)).spans.length > 0, {
      what: 'the trace',
    })
    const count = 'throughline_operation_duration_seconds_count{operation_name="place"}'
    await until(async () => (await lookups.prometheusQuery(at('prometheus'), count)).length > 0, {
      what: 'the metric',
    })
  })
})

/** What differs with images that were made here: nothing is built or pulled, and the stand-in of Postgres takes its password from a file. */
function ofThisTest({ bridges, image }: TestEngine): string {
  return `services:
  postgres:
    pull_policy: never
    user: "10001:10001"
    environment: {PGDATA: /var/lib/postgresql/18/docker, POSTGRES_PASSWORD_FILE: /password}
    tmpfs: ["/var/lib/postgresql:uid=10001,mode=0700", "/var/run/postgresql:uid=10001,mode=0755"]
    volumes: !override ["../password:/password:ro"]
  schema: {image: "throughline/recorder:0.1.0", build: !reset null, pull_policy: never}
  recorder: {image: "throughline/recorder:0.1.0", build: !reset null, pull_policy: never}
  queues: {image: "${image}", pull_policy: never}
  collector: {pull_policy: never}
  jaeger: {pull_policy: never}
  prometheus: {pull_policy: never, user: "0:0"}
networks:
  default: {driver_opts: {com.docker.network.bridge.name: ${bridges}def}}
`
}
