import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lookups, type Stack, until } from '@throughline/cli'
import { createClient } from '@throughline/recorder/client'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type JobBody, type JobView, runnerClient } from '../../examples/container-jobs/src/demo/client.js'
import { type LocalEngine, localEngine } from '../../examples/container-jobs/src/demo/local-engine.js'
import { slowEngine } from '../../examples/container-jobs/src/demo/slow-engine.js'
import { type Runner, startRunner } from '../../examples/container-jobs/src/demo/start-runner.js'
import { dockerHostOf, noEngine, ownEngine, startEngine, type TestEngine } from '../support/docker-engine.js'
import { workBusily } from './support/busy-container.js'
import { jobFigures } from './support/job-figures.js'
import { type JobRow, jobRow } from './support/job-row.js'
import { peakBytes } from './support/peak-bytes.js'
import { spanFromInside } from './support/span-from-inside.js'
import { atEnd, testStack } from './support/test-stack.js'

const missing = await noEngine()
// Of this run alone: on an engine that is not ours the containers of others are none of our business.
const QUEUE = `e2e-${process.pid}`

describe.skipIf(missing)('docker: the container jobs on a real engine', () => {
  let stack: Stack
  let engine: TestEngine
  let docker: LocalEngine['docker']
  let runner: Runner
  let jobs: ReturnType<typeof runnerClient>
  let database: pg.Pool
  let network: { id: string; remove(): Promise<unknown> } | undefined

  const sh = (script: string, rest: Partial<JobBody> = {}): JobBody => ({
    image: engine.image,
    command: ['sh', '-c', script],
    ...rest,
  })
  const metric = (promql: string) => lookups.prometheusQuery(stack.urls.prometheus, promql)
  /** Sum over all series of the expression; undefined without any. */
  const value = async (promql: string) => (await metric(`sum(${promql})`))[0]?.value

  beforeAll(async () => {
    const starting = startEngine()
    // Awaited below; a stack that fails first must not leave it behind, nor a rejection that nobody handles.
    starting.catch(() => {})
    atEnd(async () => {
      await network?.remove().catch(() => {})
      await starting.then(({ stop }) => stop()).catch(() => {})
    })
    stack = await testStack()
    await Promise.all([stack.startCloudWatch(), stack.startJaeger(), stack.startPrometheus()])
    await stack.startCollector()
    engine = await starting
    docker = (await localEngine({ DOCKER_HOST: dockerHostOf(engine) })).docker
    database = new pg.Pool({ connectionString: stack.databaseUrl, max: 2 })
    database.on('error', () => {})
  })
  afterAll(async () => {
    await runner?.part.stop()
    await database?.end()
  })

  const rowOf = (id: string) => jobRow(database, QUEUE, id)

  async function run(body: JobBody, correlationId = 'cases'): Promise<{ job: JobView; row: JobRow }> {
    const id = await jobs.submit(body, correlationId)
    const job = await jobs.ended(id)
    return { job, row: await rowOf(id) }
  }

  const containersOf = (id: string) =>
    docker.listContainers({ all: true, filters: { label: [`throughline.job.id=${id}`] } })

  const untilRunning = (id: string) =>
    until(async () => (await containersOf(id)).find(({ State }) => State === 'running'), {
      what: `the container of job ${id} to run`,
    })

  describe('50 jobs in two slots of an engine that is slow to create', () => {
    const CREATE_MS = 250
    const views: JobView[] = []

    beforeAll(async () => {
      const slow = await slowEngine({
        engine: engine.connection,
        socketPath: join(stack.dir, 'slow.sock'),
        delayMs: CREATE_MS,
      })
      atEnd(() => slow.close())
      runner = await startRunner(stack, {
        route: 'collector',
        dockerHost: slow.host,
        env: {
          QUEUE,
          SLOTS: '2',
          KEEP_CONTAINERS: 'true',
          STATE_INTERVAL_MS: '1000',
          CHECK_INTERVAL_MS: '1000',
        },
      })
      jobs = runnerClient(runner.url)
      const ids = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          jobs.submit(
            sh(`sleep 0.1; exit ${n % 10 === 9 ? 3 : 0}`, { type: n % 2 ? 'odd' : 'even' }),
            `story-${n}`,
          ),
        ),
      )
      for (const id of ids) views.push(await jobs.ended(id, 90_000))
    })

    test('docker: what the runner says, what the rows say and what `docker ps -a` says agree', async () => {
      const listed = await docker.listContainers({
        all: true,
        filters: { label: [`throughline.job.queue=${QUEUE}`] },
      })
      const exits = listed.map(({ Status }) => Number(/^Exited \((\d+)\)/.exec(Status)?.[1]))
      expect(exits.filter((code) => code === 0)).toHaveLength(45)
      expect(exits.filter((code) => code === 3)).toHaveLength(5)
      expect(listed).toHaveLength(50)
      expect(views.filter(({ status }) => status === 'completed')).toHaveLength(45)
      expect(views.filter(({ error }) => error?.type === 'ExitCode')).toHaveLength(5)
      expect(new Set(listed.map(({ Id }) => Id))).toEqual(
        new Set(views.map(({ containerId }) => containerId)),
      )
      const { total, queues } = await until(
        async () => {
          const answer = await createClient({ url: stack.recorderUrl, token: stack.tokens.read }).jobs({
            queue: QUEUE,
          })
          return (
            answer.total.count === 50 &&
            answer.queues[0]?.state?.completed === 45 &&
            answer.queues[0].state.failed === 5 &&
            answer
          )
        },
        { what: '50 jobs in the API' },
      )
      expect(total).toMatchObject({
        completed: 45,
        failed: 5,
        cancelled: 0,
        successRate: 0.9,
        peak: { jobs: 2 },
      })
      expect(total.failures).toMatchObject([{ type: 'ExitCode', count: 5 }])
      expect(queues[0]?.state).toMatchObject({ pending: 0, running: 0, completed: 45, failed: 5, depth: 0 })
    })

    test('docker: waiting in the queue, creating and running are told apart, in the API and in Prometheus alike', async () => {
      const { total } = await createClient({ url: stack.recorderUrl, token: stack.tokens.read }).jobs({
        queue: QUEUE,
      })
      const phase = (name: string) => total.phases.find((one) => one.phase === name)!
      // Every container takes the engine's 250 ms; half of the jobs wait for more than a quarter of the whole.
      expect(phase('creating').p50Ms).toBeGreaterThan(CREATE_MS)
      expect(phase('starting').p50Ms).toBeLessThan(phase('creating').p50Ms! * 4)
      expect(phase('running').p50Ms).toBeGreaterThan(100)
      expect(phase('queued').averageMs).toBeGreaterThan(10 * phase('creating').averageMs!)
      for (const name of ['queued', 'pulling', 'creating', 'starting', 'running', 'collecting']) {
        const series = `job_queue="${QUEUE}",job_phase="${name}"`
        await until(async () => (await value(`job_phase_duration_seconds_count{${series}}`)) === 50, {
          what: `50 times ${name} in Prometheus`,
        })
        const seconds = await value(`job_phase_duration_seconds_sum{${series}}`)
        expect(Math.abs(seconds! - (phase(name).averageMs! * 50) / 1_000), name).toBeLessThan(0.1)
      }
      // The engine itself is what is slow.
      const call = 'docker_operation="POST /containers/create"'
      expect(await value(`docker_api_duration_seconds_sum{${call}}`)).toBeGreaterThan(
        (50 * CREATE_MS) / 1_000,
      )
      await until(async () => (await value('container_create_duration_seconds_count')) === 50, {
        what: '50 creations in Prometheus',
      })
    })

    test('docker: launch latency is the sum of its phases', async () => {
      for (const { id } of views.slice(0, 10)) {
        const { metadata } = await rowOf(id)
        const { queued_ms, pulling_ms, creating_ms, starting_ms } = metadata['job.phases']
        const parts = queued_ms! + pulling_ms! + creating_ms! + starting_ms!
        expect(Math.abs((metadata['job.launch.latency_ms'] as number) - parts)).toBeLessThan(100)
      }
    })
  })

  describe('cases', () => {
    beforeAll(async () => {
      await runner?.part.stop()
      const kept = { all: true, filters: { label: [`throughline.job.queue=${QUEUE}`] } }
      for (const { Id } of await docker.listContainers(kept)) await docker.getContainer(Id).remove()
      runner = await startRunner(stack, {
        route: 'collector',
        dockerHost: dockerHostOf(engine),
        env: {
          QUEUE,
          SLOTS: '4',
          // So that what runs inside reaches the Collector.
          CONTAINER_NETWORK: 'host',
          STATE_INTERVAL_MS: '1000',
          CHECK_INTERVAL_MS: '500',
          STATS_INTERVAL_MS: '1000',
        },
      })
      jobs = runnerClient(runner.url)
    })

    test('docker: a job that succeeds has its log, its row with its container and its phases, and no container left', async () => {
      const { job, row } = await run(sh('echo out; echo err >&2; date +%s', { type: 'greet' }), 'success-1')
      expect(job).toMatchObject({ status: 'completed', exitCode: 0, error: null, type: 'greet' })
      expect(job.log).toContain('out\n')
      expect(job.log).toContain('err\n')
      const clock = Number(/\d{10}/.exec(job.log)?.[0]) * 1_000
      expect(clock).toBeGreaterThan(Date.parse(job.enqueuedAt) - 1_000)
      expect(clock).toBeLessThan(Date.parse(job.finishedAt!) + 1_000)
      expect(row).toMatchObject({ operation: 'greet', success: true, correlationId: 'success-1' })
      expect(row.metadata).toMatchObject({
        'job.id': job.id,
        'job.queue': QUEUE,
        'job.type': 'greet',
        'job.status': 'completed',
        'container.id': job.containerId,
        'container.image.name': engine.image,
        'container.exit_code': 0,
      })
      expect(Object.keys(row.metadata['job.phases']).sort()).toEqual(
        ['queued', 'pulling', 'creating', 'starting', 'running', 'collecting', 'removing']
          .map((phase) => `${phase}_ms`)
          .sort(),
      )
      expect(await containersOf(job.id)).toEqual([])
      const lines = readFileSync(runner.part.logFile!, 'utf8').split('\n')
      const line = lines.find((one) => one.includes('job completed') && one.includes(job.id))
      expect(JSON.parse(line ?? '{}')).toMatchObject({
        'job.id': job.id,
        'job.execution.id': row.metadata['job.execution.id'],
        correlation_id: 'success-1',
      })
    })

    test.each([
      ['exits with 3', 'ExitCode', () => sh('exit 3')],
      [
        'needs more memory than its limit',
        'OomKilled',
        () => ({ ...sh(''), command: ['tail', '/dev/zero'], limits: { memoryMb: 8 } }),
      ],
      [
        'has an image that is missing',
        'ImageNotFound',
        () => ({ ...sh('exit 0'), image: 'no-such-image:1' }),
      ],
      ['asks for more CPUs than there are', 'CreateRefused', () => sh('exit 0', { limits: { cpus: 64 } })],
      [
        'names a program that is not there',
        'StartFailed',
        () => ({ ...sh(''), command: ['/no/such/program'] }),
      ],
      ['takes too long', 'JobTimeout', () => sh('echo begun; sleep 60', { limits: { timeoutS: 1 } })],
    ])('docker: a job that %s has failed with %s', async (_, type, body) => {
      const { job, row } = await run(body())
      expect(job).toMatchObject({ status: 'failed', error: { type } })
      expect(row).toMatchObject({ success: false, errorType: type, metadata: { 'job.status': 'failed' } })
      if (type === 'ExitCode') expect(job.exitCode).toBe(3)
      if (type === 'JobTimeout') expect(job.log).toBe('begun\n')
      expect(await containersOf(job.id)).toEqual([])
    })

    test('docker: a job that is cancelled ends at once, whether it waits or runs, and cannot be cancelled again', async () => {
      const ids: string[] = []
      for (let n = 0; n < 5; n += 1) ids.push(await jobs.submit(sh('sleep 60', { type: 'long' }), 'cancel'))
      const running = ids.slice(0, 4)
      const waiting = ids[4]!
      for (const id of running) await untilRunning(id)
      expect((await jobs.get(waiting)).status).toBe('pending')
      await until(async () => (await value(`job_queue_depth{job_queue="${QUEUE}"}`)) === 1, {
        what: 'a queue of one',
      })
      await until(async () => ((await value('job_queue_oldest_age_seconds')) ?? 0) > 0, { what: 'its age' })
      await until(async () => (await value('container_active_jobs{job_type="long"}')) === 4, {
        what: 'four active jobs',
      })
      for (const id of [waiting, ...running]) expect((await jobs.cancel(id)).status).toBe(202)
      for (const id of ids) expect((await jobs.ended(id)).status).toBe('cancelled')
      for (const id of running) {
        const row = await rowOf(id)
        expect(row).toMatchObject({ metadata: { 'job.status': 'cancelled' } })
        expect([row.success, row.errorType]).toEqual([false, null])
        await until(async () => (await containersOf(id)).length === 0, {
          what: 'its container to be removed',
        })
      }
      expect((await jobs.cancel(waiting)).status).toBe(409)
      expect((await jobs.cancel(crypto.randomUUID())).status).toBe(404)
    })

    test('docker: a job whose container is removed behind our back has failed with ContainerGone', async () => {
      const id = await jobs.submit(sh('sleep 60'), 'gone')
      const { Id } = await untilRunning(id)
      await docker.getContainer(Id).remove({ force: true })
      expect(await jobs.ended(id)).toMatchObject({ status: 'failed', error: { type: 'ContainerGone' } })
      expect(await rowOf(id)).toMatchObject({ errorType: 'ContainerGone' })
    })

    test('docker: a container whose job nobody runs is removed by the status check', async () => {
      const left = await docker.createContainer({
        Image: engine.image,
        Cmd: ['sleep', '60'],
        Labels: { 'throughline.job.queue': QUEUE, 'throughline.job.id': crypto.randomUUID() },
      })
      await left.start()
      await until(
        () =>
          left.inspect().then(
            () => false,
            (error) => error.statusCode === 404,
          ),
        {
          what: 'the container to be removed',
        },
      )
    })

    test('docker: 100 MB of log are bounded in the engine, in the runner and in what is kept', async () => {
      const before = peakBytes(runner.part.pid!)
      const id = await jobs.submit(
        sh('yes $(printf %01000d 0) | head -c 104857600; echo; echo the end; sleep 2'),
        'flood',
      )
      const container = await untilRunning(id)
      const job = await jobs.ended(id)
      expect(job.status).toBe('completed')
      expect(Buffer.byteLength(job.log)).toBeLessThanOrEqual(65_536)
      expect(job.log.endsWith('the end\n')).toBe(true)
      expect(peakBytes(runner.part.pid!) - before).toBeLessThan(64_000_000)
      expect(container.Labels['throughline.job.id']).toBe(id)
    })

    test.each([
      ['an environment that would take over the trace', { env: { TRACEPARENT: '00-0-0-01' } }, 'TRACEPARENT'],
      ['the same in small letters', { env: { correlation_id: 'x' } }, 'correlation_id'],
      ['a variable with an equals sign in its name', { env: { 'A=B': 'x' } }, 'property name'],
      ['a value with NUL', { env: { A: 'x\0TRACEPARENT=y' } }, 'env/A'],
      ['labels', { labels: { 'throughline.job.id': 'x' } }, 'additional properties'],
      ['privileges', { HostConfig: { Privileged: true } }, 'additional properties'],
      ['a type that is a sentence', { type: 'a\nb' }, 'type'],
      ['an image that climbs out of its path', { image: 'x/../../containers/json' }, 'image'],
      ['an image with a query', { image: 'busybox?a=b' }, 'image'],
      ['a command that is one text', { command: 'sh -c id' }, 'command'],
      ['no command', { command: [] }, 'command'],
      ['a memory limit that is text', { limits: { memoryMb: '64' } }, 'memoryMb'],
      ['no limit of time', { limits: { timeoutS: 0 } }, 'timeoutS'],
    ])('docker: a job that asks for %s is refused with the reason', async (_, changes, reason) => {
      const answer = await jobs.post({ ...sh('exit 0'), ...changes })
      const body = (await answer.json()) as { error: string; message: string }
      expect([answer.status, body.error]).toEqual([400, 'InvalidJob'])
      expect(body.message).toContain(reason)
    })

    test('docker: nothing that a job says gets into the labels, or into anything but the value it belongs to', async () => {
      const env = { NOTE: 'x\nTRACEPARENT=00-evil', OTHER: '$(id) `id` "quoted"' }
      const hostile = 'order,throughline.job.id=evil'
      const answer = await jobs.post(sh('env; sleep 1', { type: 'inject', env }), {
        'x-correlation-id': hostile,
      })
      const { id } = (await answer.json()) as { id: string }
      const { Id } = await untilRunning(id)
      const { Config } = await docker.getContainer(Id).inspect()
      const row = await jobs.ended(id).then(() => rowOf(id))
      const traceparent = `00-${row.traceId}-${row.spanId}-01`
      expect(Config.Labels).toEqual({
        'throughline.job.id': id,
        'throughline.job.type': 'inject',
        'throughline.job.queue': QUEUE,
        'throughline.correlation_id': row.correlationId,
        'throughline.traceparent': traceparent,
      })
      expect(row.correlationId).toMatch(/^[0-9a-f-]{36}$/)
      expect(Config.Env?.filter((one) => !one.startsWith('PATH='))).toEqual([
        `NOTE=${env.NOTE}`,
        `OTHER=${env.OTHER}`,
        `TRACEPARENT=${traceparent}`,
        `CORRELATION_ID=${row.correlationId}`,
      ])
    })

    test('docker: code inside the container continues the trace of its job and has its correlation ID', async () => {
      const { job, row } = await run(sh(spanFromInside(stack.otlpUrl), { type: 'traced' }), 'order-4711')
      expect(job.log).toContain('sent')
      expect(row.correlationId).toBe('order-4711')
      const spans = await until(
        async () => {
          const found = (await lookups.jaegerTrace(stack.urls.jaeger, row.traceId)).spans
          return found.some(({ service }) => service === 'inside') && found.length >= 10 && found
        },
        { what: 'the trace with what was inside' },
      )
      const inside = spans.find(({ service }) => service === 'inside')
      expect(inside).toMatchObject({ parentSpanId: row.spanId, tags: { 'correlation.id': 'order-4711' } })
      const names = spans.map(({ operation }) => operation)
      expect(names).toEqual(
        expect.arrayContaining([
          `process ${QUEUE}`,
          ...['queued', 'pulling', 'creating', 'starting', 'running', 'collecting', 'removing'],
          'POST /containers/create',
        ]),
      )
      const creating = spans.find(({ operation }) => operation === 'creating')
      const call = spans.find(({ operation }) => operation === 'POST /containers/create')
      expect(call?.parentSpanId).toBe(creating?.spanId)
      expect(creating?.parentSpanId).toBe(row.spanId)
    })

    test.skipIf(!ownEngine)(
      'docker: an engine that is killed and comes back: what ran is judged, what waited runs, metrics go on',
      async () => {
        const during = await jobs.submit(
          sh("trap 'exit 143' TERM; sleep 60 & wait", { type: 'during' }),
          'killed',
        )
        await untilRunning(during)
        const health = async () =>
          ((await (await fetch(`${runner.url}/healthz`)).json()) as { engine: { engine: string } }).engine
            .engine
        await engine.kill9()
        await until(async () => (await health()) === 'unreachable', { what: 'the engine to be missed' })
        const meanwhile = await jobs.submit(sh('echo back', { type: 'meanwhile' }), 'meanwhile')
        await engine.restart()
        expect(await jobs.ended(meanwhile)).toMatchObject({ status: 'completed', log: 'back\n' })
        expect(await jobs.ended(during)).toMatchObject({
          status: 'failed',
          error: { type: 'EngineUnreachable' },
        })
        expect(await rowOf(during)).toMatchObject({ errorType: 'EngineUnreachable' })
        await until(async () => (await health()) === 'up', { what: 'the engine to be followed again' })
        await until(async () => ((await value('docker_api_errors_total{error_type!~"[0-9]+"}')) ?? 0) > 0, {
          what: 'the failed calls in Prometheus',
        })
        await until(
          async () => (await metric('docker_engine_changes_total{docker_engine_state="up"} > 1')).length > 0,
          {
            what: 'the return of the engine in Prometheus',
          },
        )
      },
    )

    describe('every figure that the issue names', () => {
      let blockIo = false

      beforeAll(async () => {
        // Limits that are felt, a network of its own, and some work on the disk: what an idle container does not show.
        network = await docker.createNetwork({
          Name: `tl-e2e-${process.pid}`,
          Internal: true,
          Driver: 'bridge',
        })
        blockIo = await workBusily({ docker, image: engine.image, network: network.id, value })
      })

      test.each(jobFigures)('docker: %s can be asked for in Prometheus', async (_, ...queries) => {
        for (const query of queries)
          await until(async () => (await metric(query)).length > 0, { what: query, deadlineMs: 15_000 })
      })

      test('docker: block I/O can be asked for wherever the engine tells it', async () => {
        expect((await metric('container_block_io_bytes_total')).length > 0).toBe(blockIo)
      })

      test('docker: no label of any of them is an id', async () => {
        const series = await metric('{__name__=~"(job|container|docker|host)_.+"}')
        expect(series.length).toBeGreaterThan(100)
        for (const { labels } of series)
          for (const [name, text] of Object.entries(labels))
            if (!['service_instance_id', 'instance'].includes(name))
              expect(text, name).not.toMatch(/[0-9a-f]{12}|[0-9a-f]{8}-[0-9a-f]{4}/)
      })
    })

    test('docker: a runner that is stopped ends what it runs, and says so', async () => {
      const id = await jobs.submit(sh('sleep 60'), 'stopped')
      await untilRunning(id)
      await runner.part.stop()
      expect(await containersOf(id)).toEqual([])
      expect(await rowOf(id)).toMatchObject({ errorType: 'JobAborted', metadata: { 'job.status': 'failed' } })
      const { rows } = await database.query('SELECT state::text FROM pgboss.job WHERE id = $1', [id])
      expect(rows).toEqual([{ state: 'failed' }])
      const lines = readFileSync(runner.part.logFile!, 'utf8').split('\n')
      expect(lines.filter((line) => line.startsWith('{"level":50'))).toEqual([])
    })

    test('docker: the last metrics of a runner that was stopped are taken', () => {
      const lines = readFileSync(runner.part.logFile!, 'utf8').split('\n')
      expect(lines.filter((line) => line.includes('metrics export failed'))).toEqual([])
    })
  })
})
