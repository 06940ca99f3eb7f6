import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { createToken, newSecret, revokeToken } from '@throughline/postgres/tokens'
import pg from 'pg'
import { type Load, startLoad } from '../load.js'
import type { Row, Scene } from '../row.js'
import type { Service } from '../world.js'

/** Clocks, tokens, a Jaeger that comes and goes, and outages that last. */
export const others: readonly Row[] = [
  {
    id: 'clocks',
    title: 'clocks that are five minutes off and jump while the services run',
    rate: 150,
    async prepare(scene) {
      const ahead = await scene.world.service('ahead', [skewing])
      const behind = await scene.world.service('behind', [skewing])
      await ahead.start({ SKEW_MS: '300000' })
      await behind.start({ SKEW_MS: '-300000' })
      skewed.set(scene, {
        services: [ahead, behind],
        load: startLoad({ callees: [ahead, behind], journal: scene.journal, rate: 150 }),
      })
    },
    async inject(scene) {
      const { services } = skewed.get(scene)!
      const { pid } = scene.dice.pick(services)
      if (pid !== undefined) process.kill(pid, 'SIGUSR2')
      return 'jump'
    },
    async restore(scene) {
      const own = skewed.get(scene)
      await own?.load.stop()
      for (const service of own?.services ?? []) await service.stop()
    },
  },
  {
    id: 'tokens',
    title: 'tokens of the recorder changed, in the right order and in the wrong one',
    async prepare(scene) {
      const pool = new pg.Pool({ connectionString: scene.world.stack.databaseUrl, max: 1 })
      pool.on('error', () => {})
      tokens.set(scene, { pool, id: undefined })
    },
    async inject(scene) {
      const { world, dice } = scene
      const state = tokens.get(scene)!
      const rightOrder = dice.next() < 0.5
      const before = state.id
      if (!rightOrder && before !== undefined) {
        await revokeToken(state.pool, before)
        await delay(dice.whole(100, 500))
      }
      const made = await createToken(state.pool, {
        name: 'rotation',
        role: 'ingest',
        secret: newSecret('ingest'),
      })
      await world.collector.stop()
      await world.startCollector(made.secret)
      if (rightOrder && before !== undefined) await revokeToken(state.pool, before)
      state.id = made.id
      return rightOrder ? 'new one first' : 'old one revoked first'
    },
    async restore(scene) {
      await tokens.get(scene)?.pool.end()
      await scene.world.collector.stop()
      await scene.world.startCollector(scene.world.stack.tokens.ingest)
    },
  },
  {
    id: 'jaeger',
    title: 'Jaeger absent, hanging, there, and killed',
    async inject({ world, dice, inTurn }) {
      const hop = world.hops.jaeger
      const how = inTurn(['absent', 'hanging', 'there', 'killed'] as const)
      if (how === 'absent') hop.targets = []
      else {
        const jaeger = await world.stack.startJaeger()
        hop.targets = [world.stack.ports.jaegerOtlp]
        if (how === 'hanging') hop.set({ kind: 'hang', ways: ['up', 'down'] })
        if (how === 'killed') await jaeger.kill('SIGKILL')
      }
      await delay(dice.whole(100, 400))
      hop.heal()
      return how
    },
    async restore({ world }) {
      world.hops.jaeger.targets = []
      await (await world.stack.startJaeger()).stop()
    },
  },
  {
    id: 'long-outage',
    title: 'a long outage of Postgres with a backlog',
    rate: 0,
    once: true,
    drainMs: 1_200_000,
    async inject({ world, journal, dice, backlog }) {
      await world.postgres.stop()
      while (journal.completions < backlog)
        await Promise.all(world.services.map((service) => burst(service, journal, 500)))
      // What holds it back changes on the way.
      await dice.pick([world.collector, world.recorder]).kill('SIGKILL')
      await world.postgres.start()
      return `${backlog.toLocaleString('en')} held back`
    },
  },
]

const skewing = new URL('../programs/skewed.mjs', import.meta.url).href
const skewed = new WeakMap<Scene, { services: Service[]; load: Load }>()
const tokens = new WeakMap<Scene, { pool: pg.Pool; id: string | undefined }>()

/** As many operations as the service can do, in one request. */
function burst(service: Service, journal: Scene['journal'], count: number): Promise<void> {
  const numbers = Array.from({ length: count }, () => journal.ask())
  return new Promise((resolve, reject) => {
    const call = request(service.url, { method: 'POST', agent: false })
    call.on('error', reject)
    call.on('response', (response) => {
      response.resume()
      response.on('error', reject)
      response.on('end', () => {
        for (const number of numbers) journal.completed(number)
        resolve()
      })
    })
    call.end(JSON.stringify({ prefix: journal.prefix, first: numbers[0], count }))
  })
}
