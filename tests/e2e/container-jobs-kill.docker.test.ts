import { until } from '@throughline/cli'
import { createClient } from '@throughline/recorder/client'
import pg from 'pg'
import { expect, test } from 'vitest'
import { type JobView, runnerClient } from '../../examples/container-jobs/src/demo/client.js'
import { localEngine } from '../../examples/container-jobs/src/demo/local-engine.js'
import { startRunner } from '../../examples/container-jobs/src/demo/start-runner.js'
import { dockerHostOf, noEngine, startEngine } from '../support/docker-engine.js'
import { atEnd, testStack } from './support/test-stack.js'

const missing = await noEngine()
const QUEUE = `kill-${process.pid}`

interface Row {
  id: string
  success: boolean
  status: string
  errorType: string | null
  correlationId: string
}

test.skipIf(missing)(
  'docker: a runner that is killed in the middle of its jobs: each job has one row and one outcome, and no container is left that runs',
  async () => {
    const starting = startEngine()
    starting.catch(() => {})
    atEnd(() => starting.then(({ stop }) => stop()).catch(() => {}))
    const stack = await testStack()
    const engine = await starting
    const { docker } = await localEngine({ DOCKER_HOST: dockerHostOf(engine) })
    const database = new pg.Pool({ connectionString: stack.databaseUrl, max: 2 })
    database.on('error', () => {})
    const start = () =>
      startRunner(stack, {
        route: 'direct',
        dockerHost: dockerHostOf(engine),
        env: {
          QUEUE,
          SLOTS: '6',
          KEEP_CONTAINERS: 'true',
          STATE_INTERVAL_MS: '1000',
          CHECK_INTERVAL_MS: '500',
        },
      })
    const listed = () =>
      docker.listContainers({ all: true, filters: { label: [`throughline.job.queue=${QUEUE}`] } })

    let runner = await start()
    const jobs = runnerClient(runner.url)
    const submit = (script: string, type: string, n: number) =>
      jobs.submit({ image: engine.image, command: ['sh', '-c', script], type }, `${type}-${n}`)
    // Two that run when the runner is killed, whatever happens, and a queue of short ones, of which some wait still.
    const long = [await submit('sleep 300', 'long', 0), await submit('sleep 300', 'long', 1)]
    const short: string[] = []
    for (let n = 0; n < 40; n += 1) short.push(await submit(`exit ${n % 8 === 7 ? 3 : 0}`, 'short', n))
    const views = async (): Promise<JobView[]> => Promise.all([...long, ...short].map((id) => jobs.get(id)))
    await until(async () => (await views()).filter(({ finishedAt }) => finishedAt !== null).length >= 8, {
      what: 'some jobs to have ended',
      everyMs: 20,
    })
    await until(
      async () =>
        (await listed()).filter(
          ({ State, Labels }) => State === 'running' && Labels['throughline.job.type'] === 'long',
        ).length === 2,
      { what: 'both long jobs to run', everyMs: 20 },
    )
    process.kill(runner.part.pid!, 'SIGKILL')
    await until(() => !runner.part.running, { what: 'the runner to be dead' })
    const { rows: waiting } = await database.query(
      `SELECT FROM pgboss.job WHERE name = $1 AND state = 'created'`,
      [QUEUE],
    )
    expect(waiting.length).toBeGreaterThan(0)

    runner = await start()
    for (const id of [...long, ...short]) await jobs.ended(id, 60_000)
    const rowsOf = async (): Promise<Row[]> =>
      (
        await database.query<Row>(
          `SELECT metadata ->> 'job.id' AS id, success, metadata ->> 'job.status' AS status, error_type AS "errorType", correlation_id AS "correlationId"
           FROM throughline.operations WHERE metadata ->> 'job.queue' = $1 AND metadata ? 'job.id'`,
          [QUEUE],
        )
      ).rows
    await until(async () => new Set((await rowsOf()).map(({ id }) => id)).size === 42, {
      what: 'a row of each job',
    })
    await until(async () => (await listed()).every(({ State }) => State !== 'running'), {
      what: 'the containers that were left to be removed',
    })

    const rows = await rowsOf()
    const ended = await views()
    expect(rows).toHaveLength(42)
    const rowOf = new Map(rows.map((row) => [row.id, row]))
    for (const { id, status, error } of ended) {
      const row = rowOf.get(id)
      expect([status, error?.type ?? null], id).toEqual([row?.status, row?.errorType])
      expect(row?.success).toBe(status === 'completed')
    }
    // Whose work it was is known of those, too, that the next runner has recorded.
    expect(long.map((id) => rowOf.get(id))).toMatchObject([
      { errorType: 'RunnerLost', correlationId: 'long-0' },
      { errorType: 'RunnerLost', correlationId: 'long-1' },
    ])
    const lost = rows.filter(({ errorType }) => errorType === 'RunnerLost')
    expect(lost.length).toBeLessThanOrEqual(6)

    // What is left of containers is what the jobs say that ended with a runner.
    const exits = new Map(
      (await listed()).map(({ Labels, Status }) => [
        Labels['throughline.job.id'],
        Number(/^Exited \((\d+)\)/.exec(Status)?.[1]),
      ]),
    )
    for (const { id, status, errorType } of rows)
      if (errorType !== 'RunnerLost') expect(exits.get(id), id).toBe(status === 'completed' ? 0 : 3)
    const completed = rows.filter(({ status }) => status === 'completed').length
    const failed = rows.filter(({ errorType }) => errorType === 'ExitCode').length
    expect(completed + failed + lost.length).toBe(42)
    // The queue's state is counted once a second: an answer of before the lost jobs were given up is not the last one.
    const outcome = { completed, failed: failed + lost.length }
    const total = await until(
      async () => {
        const answer = await createClient({ url: stack.recorderUrl, token: stack.tokens.read }).jobs({
          queue: QUEUE,
        })
        const state = answer.queues[0]?.state
        const settled =
          state?.completed === outcome.completed &&
          state.failed === outcome.failed &&
          state.pending === 0 &&
          state.running === 0
        return answer.total.count === 42 && settled && answer.total
      },
      { what: 'the same in the API' },
    )
    expect(total).toMatchObject({ ...outcome, cancelled: 0 })
    await runner.part.stop()
    await database.end()
  },
  120_000,
)
