import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, lookups, openStack, type Stack, until } from '@throughline/cli'
import { createPool } from '@throughline/postgres'
import { rollUp } from '@throughline/postgres/rollups'
import { newSecret } from '@throughline/postgres/tokens'
import { createClient } from '@throughline/recorder/client'
import pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { ensureBinary } from '../../packages/cli/src/binaries/ensure.js'
import { assetsDir } from '../../packages/cli/src/binaries/modules.js'
import { readCollectorPage } from '../../packages/cli/src/doctor/collector-page.js'
import { removePostgresData } from '../../packages/cli/src/postgres/embedded.js'
import { collectorProcess } from '../../packages/cli/src/stack/collector.js'
import type { Part } from '../../packages/cli/src/stack/part.js'
import { mountDisk, mountingFails } from '../faults/disk.js'
import { examined, runDoctor } from './support/doctor.js'
import { postJson, traceRequest } from './support/otlp-json.js'
import { atEnd } from './support/test-stack.js'

/*
 * One stack as `npm start` and `throughline dev` have it, in `.throughline` of a folder, broken part by part. Each fault is mended before the
 * next one. The queue before the recorder is small, so that it can be filled.
 */
let folder: string
let stack: Stack
let database: pg.Client
/** Of the time before there was a Collector. */
let direct: Awaited<ReturnType<typeof doctor>>
const queueBytes = 65_536
/** What does not arrive is not waited for as long as a person would. */
const quick = ['--wait', '4s']

const doctor = (args: string[] = [], env: Record<string, string> = {}) =>
  examined(folder, [...quick, ...args], env)

/** The address alone decides: nobody is asked there. */
const inAws = ['--cloudwatch', 'https://monitoring.eu-central-1.amazonaws.com']

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-doctor-'))
  stack = await openStack({
    dir: join(folder, '.throughline'),
    ports: await freePorts(),
    collectorSettings: { THROUGHLINE_RECORDS_QUEUE_BYTES: String(queueBytes) },
  })
  atEnd(async () => {
    await database?.end()
    await stack.stop()
    await removePostgresData(join(stack.dir, 'postgres'))
    await rm(folder, { recursive: true, force: true })
  })
  await stack.startPostgres()
  await stack.startRecorder()
  direct = await doctor()
  await stack.startCloudWatch()
  await Promise.all([stack.startCollector(), stack.startJaeger(), stack.startPrometheus()])
  await connect()
})

/** Postgres is stopped by one of the tests. */
async function connect(): Promise<void> {
  database = new pg.Client({ connectionString: stack.databaseUrl })
  database.on('error', () => {})
  await database.connect()
}

const partOf = (name: string): Part => {
  const part = stack.parts.find((one) => one.name === name)
  if (part === undefined) throw new Error(`there is no part ${name}`)
  return part
}

/** Without that part while `work` runs. */
async function without(name: string, work: () => Promise<void>): Promise<void> {
  const part = partOf(name)
  await part.stop()
  try {
    await work()
  } finally {
    await part.start()
  }
}

/** Of ten minutes ago. */
async function sendRecords(count: number): Promise<Response> {
  const startMs = Date.now() - 600_000
  const bodies = Array.from(
    { length: count },
    () => traceRequest({ startMs, attributes: { 'user.id': 'user-1' } }).body,
  )
  return postJson(`${stack.otlpUrl}/v1/traces`, {
    resourceSpans: bodies.flatMap((body) => (body as { resourceSpans: unknown[] }).resourceSpans),
  })
}

/** All that reports are made of, as a fingerprint a table. */
async function everything(): Promise<Record<string, string>> {
  const { rows } = await database.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'throughline'::regnamespace AND relkind IN ('r', 'p')
       AND NOT relispartition AND relname NOT IN ('synthetic_operations', 'tokens') ORDER BY 1`,
  )
  const found: Record<string, string> = {}
  for (const { name } of rows) {
    const { rows: sums } = await database.query<{ print: string }>(
      `SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') AS print FROM throughline.${name} AS t`,
    )
    found[name] = sums[0]!.print
  }
  return found
}

/** At once, and not only when the minute is over. */
async function sumUp(): Promise<void> {
  const pool = createPool(stack.databaseUrl)
  await rollUp(pool)
  await pool.end()
}

test('of a stack without a Collector it looks at what there is, and sends the operation to the recorder', () => {
  expect([direct.code, direct.in('failed'), direct.in('not reached')]).toEqual([0, [], []])
  expect(direct.in('ok')).toEqual(
    expect.arrayContaining(['recorder', 'token', 'partitions', 'operation', 'record']),
  )
  expect(direct.in('skipped')).toEqual(
    expect.arrayContaining(['address', 'collector', 'jaeger', 'metric', 'business']),
  )
})

test('beside a stack that runs it needs no flag, finds every hop, and leaves every row, sum and report as it was', async () => {
  expect((await sendRecords(10)).status).toBe(200)
  const rows = async () => (await database.query('SELECT FROM throughline.operations')).rowCount
  await until(async () => (await rows()) === 10, { what: 'the rows of the records' })
  await sumUp()
  const client = createClient({ url: stack.recorderUrl, token: stack.tokens.read })
  // One window for both looks: a rate over one that ends now is another a second later.
  const window = { hours: 2, until: new Date(Date.now() - 120_000).toISOString() }
  const report = async () => {
    const { total, operations } = await client.performance(window)
    return { total, operations, users: (await client.users(window)).users }
  }
  const before = { tables: await everything(), report: await report() }

  const { code, output } = await runDoctor(folder)
  expect(code, output).toBe(0)
  expect(output).toContain(`Looking at the stack in ${stack.dir}`)
  expect(output).toMatch(/✔ Record in Postgres +\S+ m?s +stored .* in no report/)
  const second = await doctor()
  expect(second.code).toBe(0)
  expect(second.in('failed')).toEqual([])
  // The folder is no project; that of the stack is on whatever disk the tests run on.
  expect(second.in('skipped')).toEqual(['sdk', 'api'])
  expect(second.in('warning').filter((hop) => hop !== 'spool')).toEqual([])
  expect(second.report.hops).toHaveLength(22)

  const arrived = await database.query('SELECT id, service FROM throughline.synthetic_operations')
  expect(arrived.rows).toHaveLength(3)
  expect(arrived.rows.map(({ id }) => id.replaceAll('-', ''))).toContain(second.report.traceId)
  expect({ tables: await everything(), report: await report() }).toEqual(before)
  const health = await client.health()
  expect(JSON.stringify([health.instances, health.deadLetters.reasons])).not.toContain('doctor')
  const { spans } = await lookups.jaegerTrace(stack.urls.jaeger, second.report.traceId)
  expect(spans).toMatchObject([
    { service: 'throughline-doctor', tags: { 'correlation.id': second.report.id } },
  ])
})

test('of CloudWatch in AWS, where nobody can look, it tells what the Collector says', async () => {
  const { code, report } = await doctor(inAws)
  expect(code).toBe(0)
  expect(report.hops.find(({ hop }) => hop === 'business')!.found).toMatch(
    /handed on by the Collector .* nobody looked/,
  )
})

test('fault: an SDK that is installed twice, and an API newer than that of the SDK', async () => {
  const project = join(folder, 'project')
  const install = async (path: string, name: string, version: string) => {
    await mkdir(join(project, path), { recursive: true })
    await writeFile(join(project, path, 'package.json'), JSON.stringify({ name, version }))
  }
  await install('.', 'service', '1.0.0')
  await install('node_modules/@throughline/sdk', '@throughline/sdk', '0.1.0')
  await install('node_modules/@opentelemetry/api', '@opentelemetry/api', '1.10.0')
  expect((await doctor(['--project', 'project'])).in('failed')).toEqual([])

  await install('node_modules/other/node_modules/@opentelemetry/api', '@opentelemetry/api', '1.11.0')
  const newer = await doctor(['--project', 'project'])
  expect([newer.code, newer.in('failed')]).toEqual([1, ['api']])

  await install('node_modules/other/node_modules/@throughline/sdk', '@throughline/sdk', '0.1.0')
  const doubled = await doctor(['--project', 'project'])
  expect([doubled.code, doubled.in('failed'), doubled.in('not reached')]).toEqual([1, ['sdk'], ['api']])
  expect(doubled.report.hops[0]).toMatchObject({ mend: expect.stringContaining('npm dedupe') })
})

test('fault: the disk of the spool, or of the queues of the Collector, is full', async ({ skip }) => {
  const reason = await mountingFails()
  if (reason !== undefined) skip(reason)
  const disk = await mountDisk(join(folder, 'disk'), 1)
  try {
    await disk.fill()
    const { code, report, in: hops } = await doctor([], { THROUGHLINE_SPOOL_DIR: join(folder, 'disk') })
    expect([code, hops('failed')]).toEqual([1, ['spool']])
    expect(report.hops.find(({ hop }) => hop === 'spool')).toMatchObject({
      found: expect.stringContaining('full'),
    })
    const queues = await doctor([], { THROUGHLINE_COLLECTOR_STORAGE: join(folder, 'disk') })
    expect([queues.code, queues.in('failed')]).toEqual([1, ['queues']])
  } finally {
    await disk.unmount()
  }
})

test('fault: something else listens where the Collector should be', async () => {
  const { code, in: hops } = await doctor(['--otlp', stack.urls.jaeger])
  expect([code, hops('failed')]).toEqual([1, ['collector']])
  expect(hops('not reached')).toEqual(
    expect.arrayContaining(['queues', 'operation', 'record', 'trace', 'metric']),
  )
})

test('fault: the token to read is not valid, or may only send', async () => {
  await writeFile(join(folder, 'wrong-token'), newSecret('read'))
  for (const [file, found] of [
    ['wrong-token', '401'],
    ['.throughline/ingest-token', 'role ingest'],
  ] as const) {
    const { code, report, in: hops } = await doctor(['--token-file', file])
    expect([code, hops('failed')]).toEqual([1, ['token']])
    expect(report.hops.find(({ hop }) => hop === 'token')!.found).toContain(found)
    expect(hops('not reached')).toEqual(expect.arrayContaining(['clock', 'schema', 'record']))
    expect(hops('ok')).toEqual(expect.arrayContaining(['trace', 'metric', 'business']))
  }
})

test('fault: the clock of the recorder is ten seconds behind', async () => {
  // Hands everything on and shifts the time that the recorder tells.
  const proxy = createServer(async (request, response) => {
    const { authorization = '' } = request.headers
    const answer = await fetch(`${stack.recorderUrl}${request.url}`, { headers: { authorization } })
    const text = (await answer.text()).replace(/^\{"at":"([^"]+)"/, (_, at: string) => {
      return `{"at":"${new Date(Date.parse(at) - 10_000).toISOString()}"`
    })
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(text)
  }).listen(0, '127.0.0.1')
  await until(() => proxy.listening, { what: 'the proxy' })
  try {
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const {
      code,
      report,
      in: hops,
    } = await doctor(['--recorder', url, '--token-file', '.throughline/read-token'])
    expect([code, hops('failed')]).toEqual([1, ['clock']])
    expect(report.hops.find(({ hop }) => hop === 'clock')!.found).toMatch(
      /the recorder (9\.9|10\.\d) s behind/,
    )
  } finally {
    proxy.closeAllConnections()
    proxy.close()
  }
})

test('fault: the schema lacks a migration', async () => {
  const { rows } = await database.query('DELETE FROM throughline.schema_version WHERE n = 12 RETURNING *')
  try {
    const { code, report, in: hops } = await doctor()
    expect([code, hops('failed')]).toEqual([1, ['schema']])
    expect(report.hops.find(({ hop }) => hop === 'schema')).toMatchObject({
      found: expect.stringContaining('migration 12'),
      mend: expect.stringContaining('throughline migrate'),
    })
    expect(hops('not reached')).toEqual(['partitions'])
  } finally {
    const { n, sha256, applied_at } = rows[0]
    await database.query('INSERT INTO throughline.schema_version VALUES ($1, $2, $3)', [
      n,
      sha256,
      applied_at,
    ])
  }
})

test('faults: Jaeger and Prometheus are down', async () => {
  await without('jaeger', () =>
    without('prometheus', async () => {
      const { code, in: hops } = await doctor()
      expect([code, hops('failed')]).toEqual([1, ['jaeger', 'prometheus']])
      expect(hops('not reached')).toEqual(['trace', 'metric'])
      expect(hops('ok')).toEqual(expect.arrayContaining(['record', 'business']))
    }),
  )
})

test('fault: the Collector hangs, then is down', async () => {
  await partOf('collector').kill('SIGSTOP')
  const hung = await doctor()
  await partOf('collector').kill('SIGCONT')
  expect([hung.code, hung.in('failed')]).toEqual([1, ['address']])
  await without('collector', async () => {
    const { code, report, in: hops } = await doctor()
    expect([code, hops('failed')]).toEqual([1, ['address']])
    expect(report.hops.find(({ hop }) => hop === 'address')).toMatchObject({
      found: expect.stringContaining('ECONNREFUSED'),
      mend: expect.stringContaining('logs/collector.log'),
    })
    expect(hops('not reached')).toEqual(
      expect.arrayContaining(['collector', 'operation', 'record', 'business']),
    )
  })
})

/** How full the queue before the recorder is. */
async function share(): Promise<number> {
  const page = readCollectorPage(await (await fetch(stack.urls.collectorMetrics)).text())
  const queue = page?.exporters.get('otlp_http/records')?.queue
  return queue === undefined ? 0 : queue.size / queue.capacity
}

test('faults: the recorder is down; then the queue before it is nearly full', async () => {
  await without('recorder', async () => {
    const { code, in: hops } = await doctor()
    expect([code, hops('failed')]).toEqual([1, ['recorder']])
    expect(hops('ok')).toEqual(expect.arrayContaining(['trace', 'metric', 'business']))
    while ((await share()) < 0.85) expect((await sendRecords(20)).status).toBe(200)
    const full = await doctor()
    expect([full.code, full.in('failed')]).toEqual([1, ['queues', 'recorder']])
    expect(full.report.hops.find(({ hop }) => hop === 'queues')!.found).toContain('otlp_http/records')
  })
  await until(async () => (await share()) < 0.1, { what: 'the queue to be worked off' })
})

// Behind the test that has just started the recorder: its maintenance, which makes partitions, is some 50 s away.
test('fault: there is no partition for tomorrow', async () => {
  const day = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)
  await database.query(`DROP TABLE throughline.operations_${day.replaceAll('-', '')}`)
  try {
    const { code, report, in: hops } = await doctor()
    expect([code, hops('failed')]).toEqual([1, ['partitions']])
    expect(report.hops.find(({ hop }) => hop === 'partitions')!.mend).toContain(`create_partition('${day}')`)
  } finally {
    await database.query('SELECT throughline.create_partition($1)', [day])
  }
})

test('fault: Postgres is down', async () => {
  await database.end()
  await without('postgres', async () => {
    const { code, in: hops } = await doctor()
    expect([code, hops('failed')]).toEqual([1, ['postgres']])
    expect(hops('not reached')).toEqual(expect.arrayContaining(['schema', 'partitions', 'record']))
    expect(hops('ok')).toEqual(expect.arrayContaining(['recorder', 'trace', 'metric', 'business']))
  })
  await connect()
})

/** A Collector that was set up wrongly, in the place of the right one. */
async function withCollector(
  fault: { env?: Record<string, string>; files?: string[] },
  work: () => Promise<void>,
): Promise<void> {
  await without('collector', async () => {
    const own = await mkdtemp(join(folder, 'collector-'))
    const assets = join(assetsDir(), 'otel-collector')
    const spec = collectorProcess(await ensureBinary('otelcol'), {
      assets,
      storage: own,
      profile: 'hybrid',
      ports: stack.ports,
      token: stack.tokens.ingest,
      settings: fault.env ?? {},
    })
    const args = fault.files?.flatMap((file) => ['--config', file]) ?? spec.args
    const part = await stack.startProgram({ ...spec, args, name: 'wrong-collector' })
    try {
      await work()
    } finally {
      await part.stop()
    }
  })
}

test('fault: the configuration of the Collector has no pipeline for records', async () => {
  const assets = join(assetsDir(), 'otel-collector')
  const base = await readFile(join(assets, 'base.yaml'), 'utf8')
  const file = join(folder, 'without-records.yaml')
  await writeFile(file, base.replace(/^ {4}traces\/records:.*$/m, ''))
  await withCollector({ files: [file, join(assets, 'profiles', 'hybrid.yaml')] }, async () => {
    const { code, report, in: hops } = await doctor()
    expect([code, hops('failed')]).toEqual([1, ['record']])
    expect(report.hops.find(({ hop }) => hop === 'record')!.mend).toContain('lint-collector')
  })
})

test('fault: the routing of the Collector sends business metrics nowhere', async () => {
  const assets = join(assetsDir(), 'otel-collector')
  const file = join(folder, 'nowhere.yaml')
  await writeFile(
    file,
    `processors: {filter/all: {metric_conditions: ['metric.name != ""']}}
service: {pipelines: {metrics/business: {processors: [filter/all]}}}
`,
  )
  const files = [join(assets, 'base.yaml'), join(assets, 'profiles', 'hybrid.yaml'), file]
  await withCollector({ files }, async () => {
    const { code, in: hops } = await doctor()
    expect([code, hops('failed')]).toEqual([1, ['business']])
    expect(hops('ok')).toEqual(expect.arrayContaining(['metric', 'record']))
  })
})

test('faults: the Collector has a token that the recorder does not know, and signs with a key that CloudWatch does not', async () => {
  const env = { THROUGHLINE_INGEST_TOKEN: newSecret('ingest'), AWS_SECRET_ACCESS_KEY: 'wrong' }
  await withCollector({ env }, async () => {
    const { code, report, in: hops } = await doctor()
    expect([code, hops('failed')]).toEqual([1, ['ingest-token', 'signature']])
    expect(hops('not reached')).toEqual(['record', 'business'])
    expect(report.hops.find(({ hop }) => hop === 'signature')!.found).toContain('SignatureDoesNotMatch')
    expect(report.hops.find(({ hop }) => hop === 'ingest-token')!.mend).toContain('--role ingest')
    expect((await doctor(inAws)).in('failed')).toEqual(['ingest-token', 'signature'])
  })
})

test('when all is mended it is green again', async () => {
  const { code, in: hops } = await doctor()
  expect([code, hops('failed'), hops('not reached')]).toEqual([0, [], []])
})
