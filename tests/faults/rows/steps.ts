import { setTimeout as delay } from 'node:timers/promises'
import { POINTS } from '../../../packages/sdk/testing/failpoints.mjs'
import { startLoad } from '../load.js'
import type { Row, Scene } from '../row.js'
import type { Service } from '../world.js'

/** Folders are copied only from another host, which has tests of its own in the SDK. */
const STEPS = POINTS.filter((point) => !point.startsWith('copy.'))

/** How often a step is reached while a service does its work; the others are reached once or twice a life. */
const OFTEN: Record<string, number> = { append: 80, acknowledge: 6, beat: 3 }

/**
 * Services that die at a chosen step of their spool: of a write, of its acknowledgement, of the adoption of what the one before them left.
 * Two at a time share the spool's folder with the others, so that they also adopt from each other.
 */
export const steps: readonly Row[] = [
  {
    id: 'spool-steps',
    title: 'kill -9 of a service at each step of its spool: write, acknowledge, adopt',
    rate: 100,
    pauseMs: 60,
    async prepare(scene) {
      const names = ['victim-1', 'victim-2']
      victims.set(scene, await Promise.all(names.map((name) => scene.world.service(name, [failpoints]))))
    },
    async inject(scene) {
      const { world, dice } = scene
      const step = scene.inTurn(STEPS)
      const most = OFTEN[step.split('.')[0] ?? ''] ?? 2
      // Without a Collector all that is written stays to be adopted.
      if (dice.next() < 0.6) world.hops.ship.set({ kind: 'cut' })
      const reached = await Promise.all(
        victims.get(scene)!.map((victim) => live(scene, victim, `${step}@${dice.whole(1, most)}=kill`)),
      )
      world.hops.ship.heal()
      return reached.includes(true) ? step : 'step not reached'
    },
    async restore(scene) {
      // The last ones adopt what is left and go in order.
      for (const victim of victims.get(scene) ?? []) {
        await victim.start()
        await victim.stop()
      }
    },
  },
]

const failpoints = new URL('../../../packages/sdk/testing/failpoints.mjs', import.meta.url).href
const victims = new WeakMap<Scene, Service[]>()

/** One life of a victim, from its start to the step, at most a second of work. Whether it died there. */
async function live({ journal }: Scene, victim: Service, failpoint: string): Promise<boolean> {
  const began = await victim
    .start({
      THROUGHLINE_FAILPOINT: failpoint,
      // Only this durability brings segments to the disk by itself.
      ...(failpoint.startsWith('sync.') ? { THROUGHLINE_DURABILITY: 'host' } : {}),
    })
    .then(
      () => true,
      () => false,
    )
  if (!began) return true
  const load = startLoad({ callees: [victim], journal, rate: 200 })
  const deadline = performance.now() + 1_000
  while (victim.running && performance.now() < deadline) await delay(20)
  const died = !victim.running
  await victim.kill()
  await load.stop()
  return died
}
