import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { repositoryRoot } from '../src/repository.ts'
import { containerOf, templateOf } from './support/synth.ts'

// A real Postgres, and a first user as RDS makes it: it owns the database and may make roles, and is no superuser.
const fromRepository = createRequire(join(repositoryRoot, 'package.json'))
const { freePorts, openStack } = await import(fromRepository.resolve('@throughline/cli'))
const pg = fromRepository('pg')
const run = promisify(execFile)
const dir = mkdtempSync(join(tmpdir(), 'throughline-aws-'))
const random = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ'
const secrets = {
  ADMIN_NAME: 'throughline_admin',
  ADMIN_PASSWORD: 'p@ss/w:rd?#%',
  WRITER_PASSWORD: `w${random}`,
  OWNER_PASSWORD: `o${random}`,
  READER_PASSWORD: `r${random}`,
  COLLECTOR_TOKEN: `tl_ingest_${random}`,
  SERVICES_TOKEN: `tl_ingest_${random.slice(1)}1`,
  PROMETHEUS_TOKEN: `tl_read_${random.slice(1)}2`,
  PEOPLE_TOKEN: `tl_read_${random.slice(1)}3`,
}
let stack: Awaited<ReturnType<typeof openStack>>
let address: string
let caUrl: string
const certificates = createServer((_, answer) => answer.end(readFileSync(join(dir, 'ca.pem'))))
// biome-ignore lint/suspicious/noExplicitAny: pg is found at run time
let superuser: any
const caFile = join(dir, 'run', 'rds.pem')
let ports: { recorder: number }

before(async () => {
  ports = await freePorts()
  stack = await openStack({ dir, ports })
  await stack.startPostgres()
  // Of the database that RDS makes, its first user is the owner.
  const url = new URL(stack.databaseUrl)
  url.pathname = '/postgres'
  superuser = new pg.Client({ connectionString: url.href })
  await superuser.connect()
  await superuser.query(
    `CREATE ROLE throughline_admin LOGIN CREATEROLE CREATEDB PASSWORD ${pg.escapeLiteral(secrets.ADMIN_PASSWORD)}`,
  )
  await superuser.query('DROP DATABASE IF EXISTS throughline WITH (FORCE)')
  await superuser.query('CREATE DATABASE throughline OWNER throughline_admin')
  await speakTls()
  certificates.listen(0, '127.0.0.1')
  await once(certificates, 'listening')
  caUrl = `http://127.0.0.1:${(certificates.address() as AddressInfo).port}/`
  address = `postgres://${url.host}/throughline?sslmode=verify-full&sslrootcert=${caFile}`
})

/** A certificate for 127.0.0.1 by an authority of our own, as RDS has one. */
const speakTls = async (): Promise<void> => {
  const openssl = (...args: string[]): void =>
    void execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  openssl('req', '-x509', ...key, '-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.pem')
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-addext', 'subjectAltName=IP:127.0.0.1']
  openssl(
    'req',
    '-x509',
    ...key,
    '-subj',
    '/CN=server',
    ...signed,
    '-keyout',
    'server.key',
    '-out',
    'server.pem',
  )
  const { rows } = await superuser.query('SHOW data_directory')
  const data = rows[0].data_directory
  const { uid, gid } = statSync(data)
  for (const name of ['server.key', 'server.pem']) {
    copyFileSync(join(dir, name), join(data, name))
    chownSync(join(data, name), uid, gid)
    chmodSync(join(data, name), 0o600)
  }
  for (const [name, value] of Object.entries({
    ssl_key_file: 'server.key',
    ssl_cert_file: 'server.pem',
    ssl: 'on',
  }))
    await superuser.query(`ALTER SYSTEM SET ${name} = '${value}'`)
  await superuser.query('SELECT pg_reload_conf()')
}

after(async () => {
  certificates.close()
  await superuser?.end()
  await stack?.stop()
  rmSync(dir, { recursive: true, force: true })
})

const login = (user: string, password: string): string => {
  const url = new URL(address)
  url.username = user
  url.password = password
  return url.href
}

/** The container before the recorder, as the task definition has it, but for what only AWS has. */
const prepare = (): Promise<{ stdout: string }> => {
  const { Command } = containerOf(templateOf(), 'Recorder', 'prepare')
  return run(process.execPath, Command!, {
    cwd: repositoryRoot,
    env: {
      PATH: process.env.PATH,
      ...secrets,
      DATABASE: address,
      CA_URL: caUrl,
      CA_FILE: caFile,
      PATIENCE_MS: '20000',
    },
  })
}

test('a database is prepared by several tasks at once, and once more', async () => {
  const [first, second] = await Promise.all([prepare(), prepare()])
  assert.ok([first, second].some(({ stdout }) => /"applied":\[1,/.test(stdout)))
  const { stdout } = await prepare()
  assert.match(stdout, /"applied":\[\]/)
})

test('the recorder runs on it with two users of its own, and takes the tokens', async () => {
  const url = `http://127.0.0.1:${ports.recorder}`
  const child = spawn(process.execPath, [fromRepository.resolve('@throughline/recorder/main')], {
    env: {
      PATH: process.env.PATH,
      THROUGHLINE_DATABASE_URL: login('throughline_recorder', secrets.WRITER_PASSWORD),
      THROUGHLINE_MAINTENANCE_URL: login('throughline_maintenance', secrets.OWNER_PASSWORD),
      THROUGHLINE_RECORDER_PORT: String(ports.recorder),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await once(child.stdout, 'data')
    const get = (path: string, token: string): Promise<Response> =>
      fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
    const deadline = Date.now() + 20_000
    while ((await fetch(`${url}/healthz`)).status !== 200 && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 50))
    assert.equal((await get('/metrics/health', secrets.PEOPLE_TOKEN)).status, 200)
    assert.equal((await get('/metrics/prometheus', secrets.PROMETHEUS_TOKEN)).status, 200)
    const instance = '00000000-0000-4000-8000-000000000000'
    assert.equal((await get(`/v1/confirm?instance=${instance}`, secrets.SERVICES_TOKEN)).status, 200)
    const sent = await fetch(`${url}/v1/traces`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secrets.COLLECTOR_TOKEN}`, 'content-type': 'application/json' },
      body: '{"resourceSpans":[]}',
    })
    assert.equal(sent.status, 200)
    const { rows } = await superuser.query(
      "SELECT usename, bool_and(ssl) AS tls FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename LIKE 'throughline%' GROUP BY 1",
    )
    assert.ok(rows.length > 0)
    for (const { usename, tls } of rows) assert.equal(tls, true, usename)
  } finally {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
})

test('Grafana may read, and nothing else', async () => {
  const client = new pg.Client({ connectionString: login('throughline_dashboards', secrets.READER_PASSWORD) })
  await client.connect()
  try {
    await client.query('SELECT count(*) FROM throughline.metrics')
    await assert.rejects(client.query('SELECT * FROM throughline.tokens'), /permission denied/)
    await assert.rejects(
      client.query('INSERT INTO throughline.value_reports DEFAULT VALUES'),
      /permission denied|read-only/,
    )
  } finally {
    await client.end()
  }
})
