import { readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { follow, until } from '@throughline/cli'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runnerClient } from '../../examples/container-jobs/src/demo/client.js'
import { allocateOnce } from '../../examples/dyno-allocation/src/demo/traffic.js'
import {
  folderInMemory,
  noEngine,
  ownEngine,
  startEngine,
  type TestEngine,
} from '../support/docker-engine.js'
import { makeImages } from '../support/images.js'
import { type Composed, composed } from './support/composed.js'

const missing = await noEngine()
const STAND_IN = 'deploy/docker/cloudwatch-stand-in.yaml'
const LASTING = [
  'allocation',
  'catalogue',
  'cloudwatch',
  'collector-hybrid',
  'jaeger',
  'jobs',
  'postgres',
  'prometheus',
  'recorder',
]
const ONE_SHOT = ['collector-ready', 'example-data', 'schema', 'secrets']

describe.skipIf(missing !== undefined || !ownEngine)('docker: docker-compose.yml', () => {
  let dir: string
  let engine: TestEngine
  let stack: Composed
  let images: string[]
  let superuser: pg.Pool
  const url = () => `http://127.0.0.1:${stack.ports.allocation}`

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tl-compose-'))
    engine = await startEngine({ ports: true, base: folderInMemory() })
    images = await makeImages(engine.connection)
    stack = await composed(engine, dir, [STAND_IN])
    await bringUp()
    await connect()
  })
  afterAll(async () => {
    await superuser?.end().catch(() => {})
    await stack?.compose(['--profile', '*', 'down', '--volumes', '--timeout', '2']).catch(() => {})
    await engine?.stop()
    await rm(dir, { recursive: true, force: true })
  })

  async function bringUp(): Promise<void> {
    const both = ['--profile', 'hybrid', '--profile', 'jobs']
    try {
      await stack.compose([...both, 'up', '--wait', '--wait-timeout', '120'])
    } catch (error) {
      // Why a service is not healthy stands in its log alone.
      const logs = await stack.compose([...both, 'logs', '--no-color', '--tail', '10'])
      throw new Error(`${(error as Error).message}\n${logs}`)
    }
  }

  async function connect(): Promise<void> {
    await superuser?.end().catch(() => {})
    superuser = new pg.Pool({ connectionString: await databaseUrl('postgres'), max: 2 })
    superuser.on('error', () => {})
  }

  /** Of a role, as seen from this host. */
  async function databaseUrl(role: 'postgres' | 'recorder' | 'maintenance' | 'example'): Promise<string> {
    const read = async (volume: string, name: string) =>
      readFileSync(join(await stack.volume(`${volume}-secrets`), name), 'utf8')
    const given =
      role === 'postgres'
        ? `postgres://postgres:${await read('postgres', 'superuser-password')}@postgres:5432/throughline`
        : role === 'example'
          ? await read('example', 'database-url')
          : await read('recorder', role === 'recorder' ? 'database-url' : 'maintenance-url')
    const own = new URL(given)
    own.hostname = await stack.address('postgres')
    return own.href
  }

  test('docker: each profile, alone and with what can be added, is a configuration that compose takes', async () => {
    const file = { files: [join(import.meta.dirname, '../../docker-compose.yml')] }
    for (const profile of ['prometheus', 'cloudwatch', 'hybrid'])
      for (const more of [[], ['grafana', 'jobs', 'tools']]) {
        const profiles = [profile, ...more].flatMap((name) => ['--profile', name])
        const text = await stack.compose([...profiles, 'config', '--format', 'json'], file)
        const { services } = JSON.parse(text) as { services: Record<string, { image: string }> }
        const collectors = Object.keys(services).filter((name) => /^collector-(?!ready)/.test(name))
        expect(collectors).toEqual([`collector-${profile}`])
        expect('prometheus' in services).toBe(profile !== 'cloudwatch')
        expect('grafana' in services).toBe(more.includes('grafana'))
        expect('jobs' in services).toBe(more.includes('jobs'))
      }
  })

  test('docker: `up --wait` leaves every service healthy, and each of the others ended well', async () => {
    const all = await stack.containers()
    expect([...all.keys()].sort()).toEqual([...LASTING, ...ONE_SHOT].sort())
    for (const name of ONE_SHOT)
      expect(all.get(name)?.State, name).toMatchObject({ Status: 'exited', ExitCode: 0 })
    for (const name of LASTING) {
      expect(all.get(name)?.State.Status, name).toBe('running')
      // The Collector's image has nothing that could ask: collector-ready has.
      if (name !== 'collector-hybrid') expect(all.get(name)?.State.Health?.Status, name).toBe('healthy')
    }
    for (const { Config } of all.values()) expect(images).toContain(Config.Image)
  })

  test('docker: nobody is root, writes into an image, may become more, takes all of the host, or is reached from another', async () => {
    for (const [name, { Config, HostConfig }] of await stack.containers()) {
      expect(Config.User, name).toBe('10001:10001')
      expect(HostConfig.ReadonlyRootfs, name).toBe(true)
      expect(HostConfig.Privileged, name).toBe(false)
      expect(HostConfig.CapDrop, name).toEqual(['ALL'])
      expect(HostConfig.CapAdd ?? [], name).toEqual([])
      expect(HostConfig.SecurityOpt, name).toEqual(['no-new-privileges:true'])
      expect(HostConfig.Memory, name).toBeGreaterThan(0)
      expect(HostConfig.NanoCpus, name).toBeGreaterThan(0)
      expect(HostConfig.PidsLimit, name).toBeGreaterThan(0)
      expect(HostConfig.LogConfig.Config['max-size'], name).toBe('10m')
      for (const published of Object.values(HostConfig.PortBindings ?? {}))
        for (const { HostIp } of published) expect(HostIp, name).toBe('127.0.0.1')
    }
    const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    const ours = processes.filter((pid) =>
      read(`/proc/${pid}/cgroup`).includes(`/tl-docker-${engine.bridges.slice(3, -1)}`),
    )
    expect(ours.length).toBeGreaterThanOrEqual(LASTING.length)
    for (const pid of ours) expect(/^Uid:\t(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1], pid).toBe('10001')
  })

  test('docker: stores have no way out and no port of the host', async () => {
    const all = await stack.containers()
    const networks = await stack.json<{ Internal: boolean }>(`/networks/${stack.project}_inside`)
    expect(networks.Internal).toBe(true)
    for (const name of ['postgres', 'catalogue', 'schema']) {
      expect(Object.keys(all.get(name)?.NetworkSettings.Networks ?? {}), name).toEqual([
        `${stack.project}_inside`,
      ])
      expect(all.get(name)?.HostConfig.PortBindings ?? {}, name).toEqual({})
    }
    expect(Object.keys(all.get('secrets')?.NetworkSettings.Networks ?? {})).toEqual(['none'])
  })

  async function secrets(): Promise<Map<string, string>> {
    const found = new Map<string, string>()
    for (const volume of ['postgres', 'recorder', 'collector', 'prometheus', 'grafana', 'example']) {
      const folder = await stack.volume(`${volume}-secrets`)
      for (const name of readdirSync(folder))
        found.set(`${volume}/${name}`, readFileSync(join(folder, name), 'utf8'))
    }
    return found
  }

  test('docker: secrets are in files of their reader alone, mode 0600, and nowhere else', async () => {
    const made = await secrets()
    expect([...made.keys()].sort()).toEqual([
      'collector/ingest-token',
      'example/database-url',
      'example/ingest-token',
      'grafana/admin-password',
      'grafana/database-password',
      'postgres/superuser-password',
      'prometheus/read-token',
      'recorder/database-url',
      'recorder/maintenance-url',
    ])
    expect(new Set(made.values()).size).toBe(made.size)
    for (const name of made.keys()) {
      const [volume, file] = name.split('/') as [string, string]
      const { mode, uid } = statSync(join(await stack.volume(`${volume}-secrets`), file))
      expect([mode & 0o777, uid], name).toEqual([0o600, 10_001])
    }
    const seen = JSON.stringify([
      [...(await stack.containers()).values()],
      await Promise.all(images.map((image) => stack.json(`/images/${image}/json`))),
      await Promise.all(images.map((image) => stack.json(`/images/${image}/history`))),
      await stack.compose(['--profile', 'hybrid', 'logs', '--no-color']),
    ])
    for (const [name, value] of made) {
      const secret = value.startsWith('postgres://') ? new URL(value).password : value
      expect(secret.length, name).toBeGreaterThanOrEqual(32)
      expect(seen.includes(secret), name).toBe(false)
    }
  })

  test('docker: each role of the database may do what its service does, and no more', async () => {
    const as = async (role: 'recorder' | 'maintenance' | 'example', sql: string, database?: string) => {
      const own = new URL(await databaseUrl(role))
      if (database !== undefined) own.pathname = `/${database}`
      const client = new pg.Client({ connectionString: own.href })
      await client.connect()
      return client.query(sql).finally(() => client.end())
    }
    const { rows } = await superuser.query<{ name: string }>(
      `SELECT rolname AS name FROM pg_roles WHERE rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls`,
    )
    expect(rows).toEqual([{ name: 'postgres' }])
    await as('recorder', 'SELECT count(*) FROM throughline.operations')
    await as('maintenance', 'SELECT count(*) FROM throughline.tokens')
    await as('example', 'SELECT count(*) FROM dyno.vehicles')
    for (const [role, sql, database] of [
      ['recorder', 'DELETE FROM throughline.operations'],
      ['recorder', 'CREATE TABLE throughline.mine ()'],
      ['recorder', "UPDATE throughline.tokens SET role = 'admin'"],
      ['recorder', 'SELECT 1', 'example'],
      ['maintenance', "COPY (SELECT 1) TO PROGRAM 'true'"],
      ['example', 'SELECT 1', 'throughline'],
      ['example', 'SELECT 1', 'postgres'],
    ] as const)
      await expect(as(role, sql, database), `${role}: ${sql}`).rejects.toMatchObject({ code: '42501' })
  })

  test('docker: one correlation ID is in the answer, the log, Postgres, Jaeger, Prometheus and CloudWatch', async () => {
    const id = `compose-${process.pid}`
    const answered = await allocateOnce(url(), id, 1)
    expect(answered).toMatchObject({ status: 201, answeredId: id })
    const logs = await stack.compose(['logs', '--no-color', '--no-log-prefix', 'allocation'])
    const line = logs.split('\n').find((one) => one.includes(`"correlation_id":"${id}"`))
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      msg: 'allocated',
      trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    })
    const hops = await follow(
      {
        databaseUrl: await databaseUrl('postgres'),
        profile: 'hybrid',
        urls: {
          jaeger: `http://127.0.0.1:${stack.ports.jaeger}`,
          prometheus: `http://127.0.0.1:${stack.ports.prometheus}`,
          cloudwatch: `http://127.0.0.1:${stack.ports.cloudwatch}`,
        },
      },
      {
        correlationId: id,
        operation: 'autoAllocate',
        businessMetric: 'business.allocation.value',
        rows: 2,
        spans: 5,
        services: 2,
      },
    )
    expect(hops.filter(({ ok }) => !ok)).toEqual([])
    expect(hops.map(({ hop }) => hop)).toEqual([
      'Postgres: rows',
      'Jaeger: one trace',
      'Prometheus: exemplar of the duration',
      'CloudWatch: business metric',
    ])
  })

  test('docker: the runner starts a container with the engine that it was given, and its job is a row', async () => {
    const jobs = runnerClient(`http://127.0.0.1:${stack.ports.jobs}`)
    const id = await jobs.submit(
      { image: engine.image, command: ['echo', 'from a container'] },
      'compose-job',
    )
    expect(await jobs.ended(id)).toMatchObject({
      status: 'completed',
      exitCode: 0,
      log: 'from a container\n',
    })
    await until(
      async () => {
        const { rows } = await superuser.query(
          "SELECT success FROM throughline.operations WHERE correlation_id = 'compose-job' AND metadata ->> 'job.id' = $1",
          [id],
        )
        return rows.length === 1 && rows[0].success === true
      },
      { what: 'the row of the job' },
    )
  })

  test('docker: a token is made by the command line, and the console answers to it', async () => {
    const token = (
      await stack.compose([...'run --rm -T throughline token create --role read --name somebody'.split(' ')])
    ).trim()
    expect(token).toMatch(/^tl_read_/)
    const recorder = `http://127.0.0.1:${stack.ports.recorder}`
    expect(await (await fetch(recorder)).text()).toContain('<html')
    const health = await fetch(`${recorder}/metrics/health`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const { hops } = (await health.json()) as { hops: { name: string; state: string }[] }
    expect(hops.filter(({ state }) => state !== 'ok')).toEqual([])
    expect(hops.map(({ name }) => name)).toContain('cloudwatch')
  })

  test('docker: Prometheus has its rules, and scrapes the Collector and, with its token, the recorder', async () => {
    const ask = async (path: string) =>
      (await (await fetch(`http://127.0.0.1:${stack.ports.prometheus}${path}`)).json()) as {
        data: {
          groups: unknown[]
          activeTargets: { labels: { job: string }; health: string; lastError: string }[]
        }
      }
    expect((await ask('/api/v1/rules')).data.groups.length).toBeGreaterThan(3)
    const up = await until(
      async () => {
        const { activeTargets } = (await ask('/api/v1/targets')).data
        return activeTargets.every(({ health }) => health !== 'unknown') && activeTargets
      },
      { what: 'both to be scraped', deadlineMs: 60_000 },
    )
    expect(up.map(({ labels, health }) => [labels.job, health]).sort()).toEqual([
      ['otelcol', 'up'],
      ['throughline-recorder', 'up'],
    ])
  })

  /** Allocations, one after the other, until `work` is done; every answer, whatever it says, stands for two operations. */
  async function during(prefix: string, work: () => Promise<void>): Promise<string[]> {
    const answered: string[] = []
    let over = false
    const traffic = (async () => {
      for (let n = 0; !over || n < 20; n += 1) {
        if (await allocate(`${prefix}-${n}`)) answered.push(`${prefix}-${n}`)
        // A user's pace: the point is what is under way when the process ends, not the load.
        await delay(20)
      }
    })()
    await work().finally(() => {
      over = true
    })
    await traffic
    return answered
  }

  /** Its first process ends as a crash would end it; resolves when the engine has it back and healthy. */
  async function killed(service: string): Promise<void> {
    const state = async () => (await stack.containers()).get(service)?.State
    const pid = (await state())?.Pid as number
    process.kill(pid, 'SIGKILL')
    await until(
      async () => {
        const now = await state()
        return now?.Health?.Status === 'healthy' && now.Pid !== pid && now.Pid !== 0
      },
      { what: `${service} to be back`, deadlineMs: 60_000 },
    )
  }

  async function untilStored(ids: string[]): Promise<void> {
    await until(
      async () => {
        const { rows } = await superuser.query<{ rows: string; distinct: string }>(
          `SELECT count(*) AS rows, count(DISTINCT (trace_id, span_id)) AS distinct FROM throughline.operations
           WHERE correlation_id = ANY ($1)`,
          [ids],
        )
        const { rows: stored, distinct } = rows[0]!
        return Number(stored) === 2 * ids.length && stored === distinct
      },
      { what: `two rows for each of ${ids.length} allocations`, deadlineMs: 60_000 },
    )
  }

  test('docker: a recorder that is killed comes back by itself, and no record is lost', async () => {
    const ids = await during('recorder', () => killed('recorder'))
    expect(ids.length).toBeGreaterThanOrEqual(20)
    await untilStored(ids)
  })

  test('docker: a Postgres that is killed comes back by itself, and no record is lost', async () => {
    const ids = await during('postgres', () => killed('postgres'))
    expect(ids.length).toBeGreaterThanOrEqual(20)
    await connect()
    await untilStored(ids)
  })

  test('docker: a copy of the volumes brings everything back on an engine that has none of them', async () => {
    const before = await secrets()
    const allocations = async () => {
      const { rows } = await superuser.query<{ id: string }>(
        "SELECT correlation_id AS id FROM throughline.operations WHERE operation = 'autoAllocate'",
      )
      return rows.map(({ id }) => id)
    }
    const stored = await allocations()
    await stack.compose(['--profile', 'hybrid', '--profile', 'jobs', 'stop'])
    // Each ended by itself: senders first, then the Collector, then the stores.
    const stopped = await stack.containers()
    for (const name of LASTING) expect([name, stopped.get(name)?.State.ExitCode]).toEqual([name, 0])
    const copy = join(dir, 'throughline.tgz')
    const inVolumes = (command: string, files: { from?: string; to?: string }) =>
      stack.compose(
        [...'run --rm -T --no-deps --entrypoint sh secrets -c'.split(' '), `cd /volumes && ${command}`],
        files,
      )
    await inVolumes('tar -czf - secrets/* data/*', { to: copy })

    await stack.compose(['--profile', '*', 'down', '--volumes'])
    await inVolumes('tar -xzpf -', { from: copy })
    await bringUp()
    await connect()
    expect(await secrets()).toEqual(before)
    expect(stored.length).toBeGreaterThan(40)
    // What waited somewhere when all was stopped may have come since.
    expect(await allocations()).toEqual(expect.arrayContaining(stored))
    expect((await allocateOnce(url(), 'after-the-restore', 2)).status).toBe(201)
    await untilStored(['after-the-restore'])
  })

  test('docker: services that were stopped have handed over every number that they gave out', async () => {
    const ledger = () =>
      superuser.query<{ service: string; missing: string }>(
        `SELECT i.service, i.last_seq - (SELECT sum(upper(run) - lower(run)) FROM unnest(
           (SELECT range_agg(int8range(d.lo, d.hi, '[]')) FROM throughline.delivered d WHERE d.instance = i.instance)) AS run) AS missing
         FROM throughline.instances i WHERE i.last_seq IS NOT NULL`,
      )
    const told = await until(
      async () => {
        const { rows } = await ledger()
        return (
          new Set(rows.map(({ service }) => service)).size === 3 &&
          rows.every(({ missing }) => missing === '0') &&
          rows
        )
      },
      { what: 'the last number of each service, and no gap before it', deadlineMs: 60_000 },
    )
    expect(told.map(({ service }) => service).sort()).toEqual(['allocation', 'catalogue', 'container-jobs'])
  })

  /** True if there was an answer, of whatever status. */
  function allocate(correlationId: string): Promise<boolean> {
    return new Promise((resolve) => {
      const body = JSON.stringify({ vehicleId: 7, from: '2029-05-07', days: 2, userId: 'engineer-1' })
      const headers = { 'content-type': 'application/json', 'x-correlation-id': correlationId }
      const sent = request(`${url()}/allocations`, { method: 'POST', agent: false, headers }, (answer) => {
        answer
          .resume()
          .on('end', () => resolve(true))
          .on('error', () => resolve(false))
      })
      sent.on('error', () => resolve(false)).end(body)
    })
  }
})

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
