import { afterEach, beforeEach, expect, test } from 'vitest'
import { IMPORTS, runNode, type Scratch, scratch } from '../../testing/child.js'

let room: Scratch
beforeEach(() => {
  room = scratch()
})
afterEach(() => room.remove())

/** Bytes of the heap that stay when `step` has run a million times, after a hundred thousand that filled what fills. */
async function kept(prepare: string, step: string): Promise<number> {
  const lines = `${IMPORTS}
    await start({ endpoint: 'http://127.0.0.1:9', spoolDir: ${JSON.stringify(room.dir)}, durability: 'memory', log() {} })
    ${prepare}
    const heap = () => { for (let i = 0; i < 4; i += 1) gc(); return process.memoryUsage().heapUsed }
    const many = async (from, to) => {
      for (let i = from; i < to; i += 1) {
        ${step}
        if (i % 10_000 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await many(0, 100_000)
    const before = heap()
    await many(100_000, 1_100_000)
    writeSync(1, String(heap() - before))
    process.kill(process.pid, 'SIGKILL')`
  const child = runNode(['--expose-gc', '--input-type=module', '--eval', lines])
  await child.ended
  expect(child.stderr()).toBe('')
  return Number(child.stdout())
}

const labels = `const counter = business.counter('orders', { labels: { site: ['cologne'] } })`

test('a million label values that nobody declared leave memory flat', async () => {
  expect(await kept(labels, `counter.add(1, { site: 's' + i })`)).toBeLessThan(1_000_000)
})

const capped = `const sites = Array.from({ length: 60_000 }, (_, i) => 's' + i)
  const counter = business.counter('orders', { labels: { site: sites }, maxSeries: 100 })`

test('so do a million values of declared ones, beyond the cap of series', async () => {
  expect(await kept(capped, `counter.add(1, { site: sites[i % 60_000] })`)).toBeLessThan(1_000_000)
})

test('so do a million metrics made at run time', async () => {
  expect(await kept('', `business.counter('made.at_' + i).add(1)`)).toBeLessThan(1_000_000)
})
