// What a queue adapter costs a job: enqueue, fetch, run, complete, the library alone and with its adapter (spans, metrics, durable row,
// shipped to a sink). Both in one process, round by round in turn, on a real Redis and a real Postgres of their own.
import { execFile, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median } from './harness/compare.mjs'
import { withPostgres } from './harness/postgres.mjs'

export const title = 'Queue adapters'

const jobsARound = 1_000
const at = (path) => fileURLToPath(new URL(path, import.meta.url))

export async function run({ processes = 3, rounds = 7, onProgress }) {
  const libraries = { 'pg-boss': undefined, 'graphile-worker': undefined }
  const measured = new Map()
  const measure = async (library, url) => {
    const all = []
    for (let i = 0; i < processes; i += 1) {
      onProgress(`${library} (${i + 1}/${processes})`)
      all.push(await inProcess(library, url, rounds))
    }
    const of = (way, figure) => all.map((one) => median(one[way].map((round) => round[figure])))
    measured.set(library, {
      plain: { time: of('plain', 'time'), cpu: of('plain', 'cpu') },
      ours: { time: of('ours', 'time'), cpu: of('ours', 'cpu') },
    })
  }
  await withRedis((path) => measure('bullmq', path))
  await withPostgres(async (url) => {
    for (const library of Object.keys(libraries)) await measure(library, url)
  })
  const row = (library, figure, budget) => {
    const { plain, ours } = measured.get(library)
    const [our, their] = [median(ours[figure]), median(plain[figure])]
    return { ours: our, theirs: their, ratio: our / their, ...budget }
  }
  return {
    rows: [...measured.keys()].flatMap((library) => [
      {
        name: `${library}: time of a job, enqueued to completed, with its adapter, against the library alone`,
        ...row(library, 'time', { target: 1.1, gate: 1.1 }),
      },
      { name: `${library}: CPU time of a job in this process, both sides`, ...row(library, 'cpu', {}) },
    ]),
    cases: Object.fromEntries(
      [...measured].flatMap(([library, ways]) =>
        Object.entries(ways).map(([way, { time }]) => [
          `${library}, ${way === 'ours' ? 'with the adapter' : 'alone'}`,
          { unit: 'µs a job', value: median(time) / 1e3, range: [Math.min(...time) / 1e3, Math.max(...time) / 1e3] },
        ]),
      ),
    ),
  }
}

async function inProcess(library, url, rounds) {
  const child = fork(at('harness/jobs-process.mjs'), [library, url, String(rounds), String(jobsARound)])
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the process of ${library} ended with ${code}`)
  })
  ended.catch(() => {})
  const [result] = await Promise.race([once(child, 'message'), ended])
  child.disconnect()
  await ended.catch(() => {})
  return result
}

async function withRedis(work) {
  const installed = await promisify(execFile)('redis-server', ['--version']).then(
    () => true,
    () => false,
  )
  if (!installed) {
    process.stdout.write('  redis-server is not installed (Debian: redis-server): BullMQ is left out\n')
    return
  }
  const dir = await mkdtemp(join(tmpdir(), 'throughline-bench-'))
  const path = join(dir, 'r.sock')
  const options = ['--port', '0', '--unixsocket', path, '--save', '', '--appendonly', 'no', '--dir', dir]
  const redis = spawn('redis-server', options, { stdio: 'ignore' })
  const gone = once(redis, 'exit')
  try {
    await work(path)
  } finally {
    redis.kill()
    await gone
    await rm(dir, { recursive: true, force: true })
  }
}
