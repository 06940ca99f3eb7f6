import { lookups, type Stack, until } from '@throughline/cli'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runnerClient } from '../../examples/container-jobs/src/demo/client.js'
import { localEngine } from '../../examples/container-jobs/src/demo/local-engine.js'
import { type Runner, startRunner } from '../../examples/container-jobs/src/demo/start-runner.js'
import { allOf, dashboards, ofContainers, targetsOf } from '../support/dashboards.js'
import { dockerHostOf, noEngine, startEngine, type TestEngine } from '../support/docker-engine.js'
import { workBusily } from './support/busy-container.js'
import { writePage } from './support/dashboards-page.js'
import { answerOf, type Seen } from './support/panel-answers.js'
import { atEnd, testStack } from './support/test-stack.js'

const missing = await noEngine()

describe.skipIf(missing)('docker: the dashboard of jobs and containers', () => {
  let stack: Stack
  let engine: TestEngine
  let runner: Runner
  const seen = new Map<string, Seen[]>()

  beforeAll(async () => {
    const starting = startEngine()
    starting.catch(() => {})
    atEnd(() => starting.then(({ stop }) => stop()).catch(() => {}))
    stack = await testStack({ profile: 'prometheus' })
    await Promise.all([stack.startPrometheus(), stack.startCollector()])
    engine = await starting
    runner = await startRunner(stack, {
      route: 'collector',
      dockerHost: dockerHostOf(engine),
      env: {
        QUEUE: `dashboards-${process.pid}`,
        SLOTS: '2',
        STATE_INTERVAL_MS: '1000',
        CHECK_INTERVAL_MS: '1000',
        STATS_INTERVAL_MS: '1000',
      },
    })
    const jobs = runnerClient(runner.url)
    const ids = await Promise.all(
      [
        { image: engine.image, command: ['sh', '-c', 'exit 0'], type: 'greet' },
        { image: engine.image, command: ['sh', '-c', 'exit 3'], type: 'greet' },
        { image: 'no-such-image:1', command: ['sh'], type: 'missing' },
        { image: engine.image, command: ['tail', '/dev/zero'], type: 'hungry', limits: { memoryMb: 8 } },
      ].map((body) => jobs.submit(body, 'dashboards')),
    )
    for (const id of ids) await jobs.ended(id)
    const { docker } = await localEngine({ DOCKER_HOST: dockerHostOf(engine) })
    const network = await docker.createNetwork({
      Name: `tl-dashboards-${process.pid}`,
      Internal: true,
      Driver: 'bridge',
    })
    atEnd(async () => {
      await network.remove().catch(() => {})
    })
    const value = async (promql: string) =>
      (await lookups.prometheusQuery(stack.urls.prometheus, `sum(${promql})`))[0]?.value
    await workBusily({ docker, image: engine.image, network: network.id, value })
    for (const id of await Promise.all(
      [1, 2].map(() =>
        jobs.submit({ image: engine.image, command: ['sh', '-c', 'exit 0'], type: 'greet' }, 'dashboards'),
      ),
    ))
      await jobs.ended(id)
  })
  afterAll(async () => {
    await runner?.part.stop()
    await writePage(seen)
  })

  test('docker: has an answer to every query, those of containers and of the engine among them', async () => {
    const all = allOf(dashboards.jobs!)
    const open = new Map(targetsOf('jobs').map((target) => [target.where, target]))
    await until(
      async () => {
        for (const [where, target] of open) {
          const answer = await answerOf(stack, target, all).catch((error: unknown) => String(error))
          if (typeof answer === 'string') return answer
          if (answer.length === 0) continue
          if (ofContainers(target)) seen.set(where, answer)
          open.delete(where)
        }
        return open.size === 0
      },
      { what: 'an answer to each', deadlineMs: 40_000, everyMs: 1_000 },
    ).catch(() => {})
    expect([...open.keys()]).toEqual([])
  })

  test.each(['Docker API errors', 'Killed for want of memory', 'State of the engine'])(
    'docker: what happened is more than 0 on the panel %s',
    async (title) => {
      const target = targetsOf('jobs').find(({ panel }) => panel.title === title)!
      await until(
        async () => {
          const answer = await answerOf(stack, target, allOf(dashboards.jobs!))
          seen.set(target.where, answer)
          return answer.some(({ value }) => Number(value) > 0)
        },
        { what: target.query },
      )
    },
  )
})
