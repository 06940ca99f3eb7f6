// What a queue adapter costs a job: enqueue, fetch, run, complete, the library alone, with its adapter (spans, metrics, durable row, shipped
// to a sink), and with what people write by hand for it (two spans and four metrics, shipped to the same sink, no row). All in one process,
// round by round in turn, on a real Redis and a real Postgres of their own.
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

const redisServer = 'redis-server'
/** About a third of a second a round. */
const jobsARound = { bullmq: 1_000, 'pg-boss': 200, 'graphile-worker': 200 }
const sides = { plain: 'alone', ours: 'with its adapter', hand: 'by hand' }
const ways = { 'without-sdk': 'no SDK in the process', 'with-sdk': 'spans, metrics and durable row, shipped' }
const at = (path) => fileURLToPath(new URL(path, import.meta.url))

export async function run({ processes = 3, rounds = 5, onProgress }) {
  const measured = []
  const measure = async (library, url) => {
    const all = Object.fromEntries(Object.keys(ways).map((way) => [way, []]))
    for (let i = 0; i < processes; i += 1)
      for (const way of Object.keys(ways)) {
        onProgress(`${library}, ${ways[way]} (${i + 1}/${processes})`)
        all[way].push(await inProcess(library, url, rounds, way))
      }
    for (const way of Object.keys(ways)) measured.push({ library, way, processes: all[way] })
  }
  await withRedis((path) => measure('bullmq', path))
  await withPostgres(async (url) => {
    for (const library of ['pg-boss', 'graphile-worker']) await measure(library, url)
  })
  return {
    rows: measured.flatMap(({ library, way, processes: all }) => {
      const row = (figure, other = 'plain') => {
        const [ours, theirs] = ['ours', other].map((side) => median(medians(all, side, figure)))
        return { ours, theirs, ratio: ours / theirs }
      }
      const byHand = () => [
        {
          name: `${library}: the same, against spans and metrics by hand that leave no row`,
          ...row('time', 'hand'),
          ...gateByHand,
        },
        { name: 'the same, CPU time of this process', ...row('cpu', 'hand') },
      ]
      return [
        {
          name: `${library}: a job from enqueued to completed, with its adapter (${ways[way]}), against the library alone`,
          ...row('time'),
          ...budgetOf(library, way),
        },
        { name: `the same, CPU time of this process`, ...row('cpu') },
        ...(way === 'with-sdk' ? byHand() : []),
      ]
    }),
    cases: Object.fromEntries(
      measured.flatMap(({ library, way, processes: all }) =>
        Object.keys(all[0]).map((side) => {
          const each = medians(all, side, 'time').map((ns) => ns / 1e3)
          const name = `${library} ${sides[side]}, ${ways[way]}`
          return [
            name,
            { unit: 'µs a job', value: median(each), range: [Math.min(...each), Math.max(...each)] },
          ]
        }),
      ),
    ),
  }
}

/** Gates at what was reached, with room for a shared machine. A job of BullMQ takes a tenth of the time of one in Postgres. */
const gates = {
  'without-sdk': { bullmq: 1.35, 'pg-boss': 1.15, 'graphile-worker': 1.15 },
  'with-sdk': { bullmq: 3.3, 'pg-boss': 1.5, 'graphile-worker': 1.4 },
}
const why = {
  'without-sdk': 'where nobody listens a job is only counted; room for a shared machine',
  'with-sdk':
    'the same time whatever the library takes: OpenTelemetry’s encoding of three spans is a third of it, the record and its write to the spool a quarter, the rest starts of spans, contexts and six metrics; two spans by hand cost BullMQ 1.9',
}
const gateByHand = {
  target: 1,
  gate: 1.8,
  why: 'a third span (the wait in the queue), two metrics more, and the row',
}
const budgetOf = (library, way) => ({ target: 1.1, gate: gates[way][library], why: why[way] })

const medians = (all, side, figure) => all.map((one) => median(one[side].map((round) => round[figure])))

async function inProcess(library, url, rounds, way) {
  const args = [library, url, String(rounds), String(jobsARound[library]), way]
  const child = fork(at('harness/jobs-process.mjs'), args)
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
  const installed = await promisify(execFile)(redisServer, ['--version']).then(
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
  const redis = spawn(redisServer, options, { stdio: 'ignore' })
  const gone = once(redis, 'exit')
  try {
    await work(path)
  } finally {
    redis.kill()
    await gone
    await rm(dir, { recursive: true, force: true })
  }
}
