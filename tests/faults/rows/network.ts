import { setTimeout as delay } from 'node:timers/promises'
import type { Fault, Way } from '../proxy.js'
import type { Row } from '../row.js'
import type { World } from '../world.js'

const WAYS: readonly (readonly Way[])[] = [['up'], ['down'], ['up', 'down']]

/** Everything that can be done to a hop and undone within a second. */
const FAULTS: readonly (Fault & { readonly name: string })[] = [
  { kind: 'cut', name: 'cut' },
  ...WAYS.flatMap((ways) => [
    { kind: 'hang', ways, name: `hang ${ways.join('+')}` } as const,
    { kind: 'trickle', ways, name: `1 byte/s ${ways.join('+')}` } as const,
    { kind: 'delay', ways, ms: 150, name: `delay ${ways.join('+')}` } as const,
  ]),
]

const HOPS = {
  ship: 'service → Collector',
  deliver: 'Collector → recorder',
  store: 'recorder → Postgres',
  confirm: 'service → recorder (confirm)',
} as const satisfies Partial<Record<keyof World['hops'], string>>

/** Networks that fail, hop by hop and way by way. */
export const network: readonly Row[] = [
  ...Object.entries(HOPS).map(
    ([hop, between]): Row => ({
      id: `network-${hop}`,
      title: `network ${between}: cut, hanging, delayed, 1 byte/s, each way`,
      pauseMs: 150,
      async inject({ world, dice, inTurn }) {
        const fault = inTurn(FAULTS)
        const proxy = world.hops[hop as keyof typeof HOPS]
        proxy.set(fault)
        await delay(dice.whole(50, 350))
        proxy.heal()
        return fault.name
      },
    }),
  ),
  {
    id: 'half-open',
    title: 'connections that lead nowhere any more (half-open), each hop',
    drainMs: 120_000,
    async inject({ world, dice, inTurn }) {
      const hop = inTurn(Object.keys(HOPS) as (keyof typeof HOPS)[])
      world.hops[hop].set({ kind: 'half-open' })
      await delay(dice.whole(100, 400))
      world.hops[hop].heal()
      return HOPS[hop]
    },
  },
  {
    id: 'storm',
    title: 'several of all these at once',
    pauseMs: 200,
    async inject({ world, dice }) {
      const hops = dice.shuffle(Object.keys(HOPS) as (keyof typeof HOPS)[]).slice(0, dice.whole(1, 3))
      for (const hop of hops) world.hops[hop].set(dice.pick(FAULTS))
      const victim = dice.pick([...world.services, world.collector, world.recorder, undefined])
      await delay(dice.whole(50, 300))
      await victim?.kill('SIGKILL')
      await delay(dice.whole(50, 300))
      for (const hop of hops) world.hops[hop].heal()
      await victim?.start()
      return `${hops.length} hops${victim === undefined ? '' : ' and a kill'}`
    },
  },
]
