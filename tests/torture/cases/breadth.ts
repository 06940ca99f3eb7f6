import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { context, createContextKey } from '@opentelemetry/api'
import type { Group } from '../case.js'

const MANY = 10_000
const key = createContextKey('order')

const times = (count: number) => Array.from({ length: count }, () => 'success')

export const breadth: Group = {
  title: 'Depth, breadth, context',
  cases: [
    {
      what: 'asynchronous recursion, 10,000 deep',
      back: 'its value',
      records: times(MANY + 1),
      async run(bench) {
        const descend: (levels: number) => Promise<number> = bench.wrap(async (levels: number) => {
          await null
          return levels === 0 ? 0 : 1 + (await descend(levels - 1))
        })
        bench.same('the depth', await descend(MANY), MANY)
      },
      check(recorded, bench) {
        const parents = new Set(recorded.map(({ parentSpanId }) => parentSpanId))
        bench.same('different parents', parents.size, MANY + 1)
      },
    },
    {
      what: 'synchronous recursion, 3,000 deep',
      // Measured on Node 24 with a stack as it comes, 984 KB. A wrapper that does nothing at all leaves 4,400.
      back: 'its value; tracked 3,900 levels fit the stack, bare 10,400',
      records: times(3_001),
      run(bench) {
        const descend: (levels: number) => number = bench.wrap((levels: number) =>
          levels === 0 ? 0 : 1 + descend(levels - 1),
        )
        bench.same('the depth', descend(3_000), 3_000)
      },
    },
    {
      what: '10,000 calls at once on one object',
      back: 'each in its own context',
      records: times(MANY),
      async run(bench) {
        class Service {
          async seen(): Promise<unknown> {
            await turn()
            return context.active().getValue(key)
          }
        }
        Service.prototype.seen = bench.wrap(Service.prototype.seen)
        const service = new Service()
        let mixed = 0
        await Promise.all(
          Array.from({ length: MANY }, (_, order) =>
            context.with(context.active().setValue(key, order), async () => {
              if ((await service.seen()) !== order) mixed += 1
            }),
          ),
        )
        bench.same('calls with a context of another', mixed, 0)
      },
    },
    {
      what: "the user's own AsyncLocalStorage",
      back: 'untouched, inside and after',
      records: ['success'],
      async run(bench) {
        const storage = new AsyncLocalStorage<{ id: number }>()
        const store = { id: 1 }
        await storage.run(store, async () => {
          const call = bench.wrap(async () => {
            bench.same('inside', storage.getStore(), store)
            await bench.work(5)
            bench.same('inside, later', storage.getStore(), store)
            storage.enterWith({ id: 2 })
          })
          await call()
          bench.is('after', storage.getStore() !== undefined)
        })
        bench.same('outside', storage.getStore(), undefined)
      },
    },
  ],
}
