import { until } from '@throughline/cli'
import { expect, test } from 'vitest'
import { countRows } from '../../examples/dyno-allocation/src/demo/counts.js'
import { startServices } from '../../examples/dyno-allocation/src/demo/services.js'
import { drive, emptyJournal } from '../../examples/dyno-allocation/src/demo/traffic.js'
import { testStack } from './support/test-stack.js'

test('a service killed in mid-traffic loses no completed operation and doubles none', async () => {
  const stack = await testStack()
  await stack.startCollector()
  const services = await startServices(stack, 'collector')
  const journal = emptyJournal()
  for (const round of [1, 2, 3]) {
    const enough = new AbortController()
    const traffic = drive({
      url: services.url,
      count: 100_000,
      concurrency: 16,
      prefix: `kill-${round}`,
      journal,
      signal: enough.signal,
    })
    // In mid-traffic: a hundred answers more than before, then both die without a word.
    const before = journal.answered.length
    await until(() => journal.answered.length >= before + 100, {
      what: 'a hundred answered requests',
      everyMs: 1,
    })
    await Promise.all([services.allocation.kill('SIGKILL'), services.catalogue.kill('SIGKILL')])
    enough.abort()
    await traffic
    await services.catalogue.start()
    await services.allocation.start()
  }
  expect(journal.broken.length).toBeGreaterThan(0)
  const counts = await until(
    async () => {
      const seen = await countRows(stack.databaseUrl, journal)
      return seen.rows >= seen.expected && seen
    },
    { what: 'a row for each completed operation' },
  )
  expect(counts).toEqual({ rows: counts.expected, distinct: counts.expected, expected: counts.expected })
})
