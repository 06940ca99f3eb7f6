// node scripts/schemathesis.mjs [--examples 60 --seed 1]
// Asks a recorder thousands of odd questions, made from its own OpenAPI document by schemathesis (PyPI): no answer may be a fault or differ
// from what the document says. Needs built packages and Python 3 with venv; without Python it says so and ends well.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freePorts, openStack } from '@throughline/cli'
import { createToken } from '@throughline/postgres/tokens'
import pg from 'pg'

const version = '4.32.5'
const { values } = parseArgs({
  options: { examples: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
})

const program = installed()
if (program === undefined) {
  console.log('Schemathesis is left out: Python 3 with venv and pip is needed.')
} else {
  const dir = await mkdtemp(join(tmpdir(), 'throughline-schemathesis-'))
  // No Collector runs here: the value gauges are to stand on the recorder's own page.
  process.env.THROUGHLINE_RECORDER_OTLP_URL = ''
  const valueModel = fileURLToPath(new URL('../examples/dyno-allocation/value.yaml', import.meta.url))
  const stack = await openStack({ dir, ports: await freePorts(), valueModel })
  try {
    await stack.startPostgres()
    await stack.startRecorder()
    process.exitCode = run(program, stack.recorderUrl, await adminToken(stack.databaseUrl))
  } finally {
    await stack.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

/** Once a machine, in the cache folder. */
function installed() {
  const folder = join(
    process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
    'throughline',
    `schemathesis-${version}`,
  )
  const program = join(folder, 'bin', 'schemathesis')
  if (existsSync(program)) return program
  const made = spawnSync('python3', ['-m', 'venv', folder], { stdio: 'ignore' }).status === 0
  const pip = [join(folder, 'bin', 'pip'), ['install', '--quiet', `schemathesis==${version}`]]
  return made && spawnSync(...pip, { stdio: 'inherit' }).status === 0 ? program : undefined
}

async function adminToken(connectionString) {
  const pool = new pg.Pool({ connectionString })
  try {
    return (await createToken(pool, { name: 'schemathesis', role: 'admin' })).secret
  } finally {
    await pool.end()
  }
}

function run(program, url, token) {
  const config = fileURLToPath(new URL('../tests/schemathesis.toml', import.meta.url))
  // A stream has no end to wait for: packages/recorder/src/api/live.test.ts reads it.
  const options = ['--exclude-path', '/metrics/stream', '--workers', '2', '--request-timeout', '30']
  const bounds = ['--max-examples', values.examples, '--seed', values.seed]
  return spawnSync(
    program,
    [
      ...['--config-file', config, 'run', `${url}/openapi.json`, ...options, ...bounds],
      '-H',
      `Authorization: Bearer ${token}`,
    ],
    { stdio: 'inherit', cwd: tmpdir() },
  ).status
}
