// One library alone, with its adapter and, with an SDK, instrumented by hand: round by round in turn, their order changing; tells ns a job of
// each round.
//   node harness/jobs-process.mjs <library> <socket of Redis or URL of Postgres> <rounds> <jobs a round> <with-sdk | without-sdk>
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { instrumentJobs } from '@throughline/instrumentation-jobs'
import { start } from '@throughline/sdk'
import pg from 'pg'
import { nullSink } from '../cases/shared.mjs'
import { jobsByHand } from './jobs-by-hand.mjs'

const [library, url] = process.argv.slice(2, 4)
const [rounds, count] = process.argv.slice(4, 6).map(Number)
const hasSdk = process.argv[6] !== 'without-sdk'
const concurrency = 8
// The versions that the adapters are tested with.
const load = createRequire(new URL('../../packages/instrumentation-jobs/package.json', import.meta.url))
const data = { file: 'videos/2026/summer.mov', width: 1_920, height: 1_080, tags: ['summer', 'sea'] }
const handle = async () => 1

/** `name` says whose queue it is; of `jobs` and `hand` at most one is there. */
const makers = {
  async bullmq({ name, jobs, hand }) {
    const { Queue, Worker } = load('bullmq')
    const { processor, telemetry, watchWorker } = await import('@throughline/instrumentation-jobs/bullmq')
    const connection = { path: url, maxRetriesPerRequest: null }
    const queue = new Queue(name, {
      connection,
      ...(jobs === undefined ? {} : { telemetry: telemetry(jobs) }),
    })
    const work = jobs === undefined ? handle : processor(jobs, handle)
    const byHand = (job) => hand.process(job.data, job.id, () => handle(job))
    const worker = new Worker(name, hand === undefined ? work : byHand, {
      connection,
      concurrency,
      removeOnComplete: { count: 100 },
    })
    if (jobs !== undefined) watchWorker(jobs, worker)
    let left = 0
    let over
    worker.on('completed', () => {
      left -= 1
      if (left === 0) over.resolve()
    })
    await worker.waitUntilReady()
    return {
      async round() {
        left = count
        over = Promise.withResolvers()
        await inParallel(count, () => queue.add('video', hand === undefined ? data : hand.send(data)))
        await over.promise
      },
      close: () => Promise.all([worker.close(), queue.close()]),
    }
  },

  async 'pg-boss'({ name, jobs, hand }) {
    const { PgBoss } = load('pg-boss')
    const { handler, withCarrier } = await import('@throughline/instrumentation-jobs/pg-boss')
    const boss = new PgBoss({ connectionString: url, supervise: false, schedule: false, max: concurrency })
    await boss.start()
    await boss.createQueue(name)
    const payload = () => {
      if (jobs !== undefined) return withCarrier(jobs, data)
      return hand === undefined ? data : hand.send(data)
    }
    const own = jobs === undefined ? handle : handler(jobs, handle)
    const byHand = ([job]) => hand.process(job.data, job.id, () => handle([job]))
    const work = hand === undefined ? own : byHand
    return {
      async round() {
        await inParallel(count, () => boss.send(name, payload()))
        // What `work` does between two polls, without the polls' pauses.
        await inParallel(count, async () => {
          const batch = await boss.fetch(name)
          for (const job of batch) job.signal = new AbortController().signal
          await boss.complete(name, batch[0].id, { result: await work(batch) })
        })
        await boss.deleteStoredJobs(name)
      },
      close: () => boss.stop({ graceful: false }),
    }
  },

  async 'graphile-worker'({ name, jobs, hand }) {
    const { Logger, makeWorkerUtils, runOnce } = load('graphile-worker')
    const { task, withCarrier } = await import('@throughline/instrumentation-jobs/graphile-worker')
    const logger = new Logger(() => () => {})
    const pgPool = new pg.Pool({ connectionString: url, max: concurrency + 2 })
    pgPool.on('error', () => {})
    pgPool.on('connect', (client) => client.on('error', () => {}))
    const schema = `gw_${name}`
    const utils = await makeWorkerUtils({ pgPool, logger, schema })
    await utils.migrate()
    const own = jobs === undefined ? handle : task(jobs, handle)
    const byHand = (payload, { job }) => hand.process(payload, job.id, () => handle(payload))
    const taskList = { video: hand === undefined ? own : byHand }
    return {
      async round() {
        await inParallel(count, () =>
          utils.addJob(
            'video',
            hand === undefined ? data : hand.send(data),
            jobs === undefined ? undefined : withCarrier(jobs, 'video'),
          ),
        )
        await runOnce({ pgPool, logger, schema, taskList, concurrency, noHandleSignals: true })
      },
      async close() {
        await utils.release()
        await pgPool.end()
      },
    }
  },
}

const spoolDir = mkdtempSync(join(tmpdir(), 'throughline-bench-'))
const sdk = hasSdk
  ? await start({
      serviceName: 'bench',
      endpoint: await nullSink(),
      spoolDir,
      metricsIntervalMs: 60_000,
      log: () => {},
    })
  : undefined
const jobs = instrumentJobs({ queue: 'ours', system: library, capacity: concurrency })
const make = makers[library]
const ways = { plain: await make({ name: 'plain' }), ours: await make({ name: 'ours', jobs }) }
if (hasSdk) ways.hand = await make({ name: 'hand', hand: jobsByHand(library, 'hand') })
const results = Object.fromEntries(Object.keys(ways).map((way) => [way, []]))
// Two rounds of each warm what a long-lived process has warm.
for (let round = -2; round < rounds; round += 1) {
  const names = Object.keys(ways)
  const first = (round + 2) % names.length
  for (const way of [...names.slice(first), ...names.slice(0, first)]) {
    const cpuBefore = process.cpuUsage()
    const began = performance.now()
    await ways[way].round()
    // Its records are shipped within its own round.
    await sdk?.flush(10_000)
    const time = ((performance.now() - began) * 1e6) / count
    const { user, system } = process.cpuUsage(cpuBefore)
    if (round >= 0) results[way].push({ time, cpu: ((user + system) * 1e3) / count })
  }
}
jobs.close()
for (const way of Object.values(ways)) await way.close()
await sdk?.shutdown()
rmSync(spoolDir, { recursive: true, force: true })
process.send(results)
process.once('disconnect', () => process.exit(0))

/** As many at a time as there are workers. */
async function inParallel(times, act) {
  let next = 0
  const lane = async () => {
    while (next < times) {
      next += 1
      await act()
    }
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
}
