import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { until } from '@throughline/cli'
import { account } from '../audit.js'
import { findGaps } from '../oracle.js'
import type { Hop } from '../proxy.js'
import type { Row, Scene } from '../row.js'
import type { World } from '../world.js'

const run = promisify(execFile)
const killAtLine = fileURLToPath(new URL('../programs/kill-at-line.mjs', import.meta.url))

/** Processes that end without a word, and start again. */
export const kills: readonly Row[] = [
  {
    id: 'kill-service',
    title: 'kill -9 of a service',
    async inject({ world, dice }) {
      const service = dice.pick(world.services)
      await service.kill()
      await delay(dice.whole(0, 200))
      await service.start()
      return 'kill'
    },
  },
  {
    id: 'kill-collector',
    title: 'kill -9 of the Collector',
    async inject({ world, dice }) {
      await world.collector.kill('SIGKILL')
      await delay(dice.whole(0, 200))
      await world.collector.start()
      return 'kill'
    },
  },
  {
    id: 'kill-collector-with-backlog',
    title: 'kill -9 of the Collector while its queue is full of records',
    async inject({ world, dice }) {
      world.hops.deliver.set({ kind: 'cut' })
      await delay(dice.whole(200, 600))
      if (dice.next() < 0.5) world.hops.deliver.heal()
      await delay(dice.whole(0, 60))
      await world.collector.kill('SIGKILL')
      world.hops.deliver.heal()
      await world.collector.start()
      return 'kill'
    },
  },
  {
    id: 'kill-collector-twice',
    title: 'the Collector killed a second time while it starts again',
    namedHole: true,
    inject: killTwice,
  },
  {
    id: 'named-hole',
    title: "the same with `confirm: 'collector'`: the named hole",
    world: { confirm: 'collector' },
    namedHole: true,
    drainMs: 15_000,
    inject: killTwice,
    async check({ world, note, fault }) {
      const { unexplained, problems } = await account(world, new Date(Date.now() - 3_600_000))
      const lost = await missing(world)
      if (unexplained < lost) fault(`reconcile finds ${unexplained} of ${lost} missing numbers`)
      else if (unexplained > 0n) note(`throughline reconcile: ${problems.join(', ')}`)
    },
  },
  {
    id: 'kill-recorder',
    title: 'kill -9 of the recorder',
    async inject({ world, dice }) {
      await world.recorder.kill('SIGKILL')
      await delay(dice.whole(0, 200))
      await world.recorder.start()
      return 'kill'
    },
  },
  {
    id: 'kill-recorder-before-commit',
    title: 'kill -9 of the recorder with its COMMIT not sent',
    async inject({ world }) {
      await killAt(world, 'up', 'COMMIT')
      await world.recorder.start()
      return 'kill'
    },
  },
  {
    id: 'kill-recorder-after-commit',
    title: 'kill -9 of the recorder between COMMIT and its 200',
    async inject({ world }) {
      await killAt(world, 'down', 'COMMIT\0')
      await world.recorder.start()
      return 'kill'
    },
  },
  {
    id: 'kill-postgres',
    title: 'kill -9 of Postgres, of one of its processes, and immediate shutdown',
    pauseMs: 900,
    async inject({ world, dice, inTurn }) {
      const how = inTurn(['postmaster', 'backend', 'immediate shutdown'] as const)
      if (how === 'backend') {
        // Postgres then ends all sessions and recovers, as after a crash.
        const [backend] = await world.database.query<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'throughline%' ORDER BY pid LIMIT 1`,
        )
        if (backend !== undefined) process.kill(backend.pid, 'SIGKILL')
        await delay(dice.whole(0, 200))
        return how
      }
      await world.postgres.kill(how === 'postmaster' ? 'SIGKILL' : 'SIGQUIT')
      await delay(dice.whole(0, 200))
      await world.postgres.start()
      return how
    },
  },
  {
    id: 'terminate-backends',
    title: 'all sessions of the recorder terminated',
    pauseMs: 300,
    async inject({ world }) {
      await world.database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'throughline%'`,
      )
      return 'terminate'
    },
  },
  {
    id: 'stopped-processes',
    title: 'a service, the Collector or the recorder stands still (SIGSTOP)',
    async inject({ world, dice, inTurn }) {
      const who = inTurn(['service', 'collector', 'recorder'] as const)
      const part = who === 'service' ? dice.pick(world.services) : world[who]
      await part.kill('SIGSTOP')
      await delay(dice.whole(200, 700))
      await part.kill('SIGCONT')
      return who
    },
  },
  {
    id: 'rolling-restart',
    title: 'rolling restart of all, in order',
    async inject({ world, dice }) {
      for (const part of dice.shuffle([...world.services, world.collector, world.recorder])) {
        await part.stop()
        await part.start()
      }
      return 'restart of all'
    },
  },
]

/** Kills the recorder at the moment that a message passes between it and Postgres; the message itself does not pass. */
async function killAt(world: World, way: 'up' | 'down', text: string): Promise<void> {
  const hop: Hop = world.hops.store
  const killed = Promise.withResolvers<void>()
  let armed = true
  hop.tap = async (of, piece) => {
    if (!armed || of !== way || !piece.includes(text)) return 'pass'
    armed = false
    await world.recorder.kill('SIGKILL')
    killed.resolve()
    return 'drop'
  }
  await Promise.race([killed.promise, delay(15_000)])
  hop.tap = undefined
  if (armed) throw new Error('no COMMIT passed in 15 s')
}

/** The Collector killed with requests in its hands, and again at the moment in which it has them nowhere but there. */
async function killTwice({ world, dice }: Scene): Promise<string> {
  // Requests on their way, which the recorder does not have: what the Collector holds in its hands when it is killed.
  world.hops.deliver.set({ kind: 'hang', ways: ['up'] })
  await delay(dice.whole(150, 400))
  await world.collector.kill('SIGKILL')
  const log = world.collector.logFile ?? ''
  const before = statSync(log).size
  const starting = world.collector.start().catch(() => {})
  // It takes them out of its queue, and puts them back at the end of it: the hole is in between.
  const pid = await until(() => world.collector.pid, { what: 'the Collector being started', everyMs: 1 })
  const line = 'items left for dispatch.*otlp_http/records'
  await run(process.execPath, [killAtLine, pid, log, before, line, dice.whole(0, 6_000)].map(String))
  await world.collector.kill('SIGKILL')
  await starting
  world.hops.deliver.heal()
  await world.collector.start()
  return 'two kills'
}

async function missing(world: World): Promise<bigint> {
  const gaps = await findGaps(world.database, 0, new Set())
  return BigInt(gaps.reduce((sum, gap) => sum + gap.missing, 0))
}
