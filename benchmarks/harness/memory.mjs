// How much memory a finished operation keeps: what is in use after garbage collection, once more after many calls.
//   node --expose-gc harness/memory.mjs <case file> <calls> <1: after all was acknowledged, 0: while nothing is>
import { finish, loadCase } from './load.mjs'

const { call, flush, numbers } = await loadCase()
const [calls, acknowledged] = numbers

async function many(count) {
  for (let i = 0; i < count; i += 1) {
    await call(i)
    if (i % 400 === 399) await new Promise((resolve) => setImmediate(resolve))
  }
  if (acknowledged === 1) await flush()
}

/** Two turns and three collections: what a first one finalizes is gone after the next. */
async function inUse() {
  for (let i = 0; i < 3; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    globalThis.gc()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

// Compiled code and full caches are no memory of an operation.
await many(acknowledged === 1 ? calls / 4 : 5_000)
const before = await inUse()
await many(calls)
finish({ value: ((await inUse()) - before) / calls })
