// node scripts/schemathesis.mjs [--examples 60 --seed 1 --minutes 3]
// Asks a recorder thousands of odd questions, made from its own OpenAPI document by schemathesis (PyPI): no answer may be a fault or differ
// from what the document says. Needs built packages and Python 3.10 with venv. Exit 77: it cannot be had here; the last line says why.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freePorts, openStack } from '@throughline/cli'
import { createWriter, ensurePartitions } from '@throughline/postgres'
import { createToken } from '@throughline/postgres/tokens'
import pg from 'pg'

const version = '4.32.5'
const { values } = parseArgs({
  options: {
    examples: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '3' },
  },
})

const found = installed()
if (found.missing === undefined) process.exitCode = await ask(found.program)
else {
  console.log(found.missing)
  process.exitCode = 77
}

async function ask(program) {
  const dir = await mkdtemp(join(tmpdir(), 'throughline-schemathesis-'))
  // No Collector runs here: the value gauges are to stand on the recorder's own page.
  process.env.THROUGHLINE_RECORDER_OTLP_URL = ''
  const valueModel = fileURLToPath(new URL('../examples/dyno-allocation/value.yaml', import.meta.url))
  const stack = await openStack({ dir, ports: await freePorts(), valueModel })
  try {
    await stack.startPostgres()
    await stack.startRecorder()
    return run(program, stack.recorderUrl, await prepare(stack.databaseUrl))
  } finally {
    await stack.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

/** Once a machine, in the cache folder; or what stands in its way. */
function installed() {
  const python = spawnSync('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])
  const [major, minor] = String(python.stdout ?? '')
    .trim()
    .split('.')
    .map(Number)
  if (python.status !== 0) return { missing: 'there is no python3 (3.10 or later is needed)' }
  if (!(major === 3 && minor >= 10))
    return { missing: `python3 is ${major}.${minor}, and 3.10 or later is needed` }
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const folder = join(cache, 'throughline', `schemathesis-${version}`)
  const program = join(folder, 'bin', 'schemathesis')
  if (existsSync(program)) return { program }
  if (spawnSync('python3', ['-m', 'venv', folder], { stdio: 'ignore' }).status !== 0)
    return { missing: 'python3 has no venv; Debian has it as: apt-get install python3-venv' }
  const pip = spawnSync(
    join(folder, 'bin', 'pip'),
    ['install', '--quiet', '--disable-pip-version-check', `schemathesis==${version}`],
    { stdio: 'inherit', timeout: 300_000 },
  )
  return pip.status === 0
    ? { program }
    : { missing: `schemathesis ${version} could not be installed from the Python package index` }
}

/** Rows and a dead letter, so that answers are not empty; resolves to the token of an admin. */
async function prepare(connectionString) {
  const pool = new pg.Pool({ connectionString })
  try {
    await ensurePartitions(pool)
    await createWriter(pool).write([...Array.from({ length: 60 }, (_, n) => row(n)), row(60, 200)])
    return (await createToken(pool, { name: 'schemathesis', role: 'admin' })).secret
  } finally {
    await pool.end()
  }
}

function row(n, daysAgo = 0) {
  const failed = n % 7 === 0
  return {
    startedAtUs: BigInt(Date.now() - daysAgo * 86_400_000 - n * 1_000) * 1_000n,
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    parentSpanId: null,
    correlationId: `order-${n % 10}`,
    service: 'allocation',
    serviceVersion: n % 2 === 0 ? '1.0.0' : null,
    operationService: 'AllocationService',
    operation: 'autoAllocate',
    userId: n % 3 === 0 ? null : `engineer-${n % 5}`,
    durationUs: BigInt(1_000 + n * 250),
    success: !failed,
    errorType: failed ? 'NoDynoAvailable' : null,
    errorMessage: failed ? '“none” is free\n\t<b>&' : null,
    errorStack: null,
    metadata: JSON.stringify({ conflicts: n % 2, 'odd key "': [1, { a: null }] }),
    business: failed
      ? null
      : JSON.stringify([
          {
            name: 'business.allocation.value',
            labels: { site: 'cologne', currency: 'USD' },
            value: `${n}.50`,
          },
        ]),
    instance: null,
    seq: null,
  }
}

function run(program, url, token) {
  const config = fileURLToPath(new URL('../tests/schemathesis.toml', import.meta.url))
  // A stream has no end to wait for: packages/recorder/src/api/live.test.ts reads it.
  const options = ['--exclude-path', '/metrics/stream', '--workers', '2', '--request-timeout', '30']
  const bounds = ['--max-examples', values.examples, '--seed', values.seed]
  const ended = spawnSync(
    program,
    [
      ...['--config-file', config, 'run', `${url}/openapi.json`, ...options, ...bounds],
      '-H',
      `Authorization: Bearer ${token}`,
    ],
    { stdio: 'inherit', cwd: tmpdir(), timeout: Number(values.minutes) * 60_000 },
  )
  if (ended.error !== undefined) console.log(`schemathesis: ${ended.error.message}`)
  return ended.status === 0 ? 0 : 1
}
