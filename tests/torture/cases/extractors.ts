import type { Call, TrackOptions } from '@throughline/core'
import { pick } from '@throughline/core'
import type { Case, Group, Recorded } from '../case.js'

const cycle: Record<string, unknown> = { name: 'a' }
cycle.self = cycle

/** A metadata extractor, and what the row has of it. */
function extracting(
  what: string,
  metadata: (call: Call) => unknown,
  expected: Record<string, unknown> | undefined,
  failures = 0,
): Case {
  return extractor(what, { metadata: metadata as never }, failures, ([one], bench) =>
    bench.same('metadata', JSON.stringify(one?.metadata), JSON.stringify(expected)),
  )
}

function extractor(
  what: string,
  options: TrackOptions,
  failures: number,
  check: NonNullable<Case['check']>,
): Case {
  let before = 0
  let after = 0
  return {
    what,
    back: 'the same value',
    records: ['success'],
    own: true,
    async run(bench) {
      const result = { id: 7, site: 'cologne', nested: { x: 1 } }
      before = bench.extractionFailures()
      const call = bench.wrap(async (order: { userId: string }) => ({ ...result, of: order.userId }), options)
      bench.same('the value', (await call({ userId: 'u-1' })).id, 7)
      after = bench.extractionFailures()
    },
    check(recorded: Recorded[], bench) {
      bench.same('extraction failures counted', after - before, failures)
      check(recorded, bench)
    },
  }
}

const boom = () => {
  throw new Error('boom')
}

export const extractors: Group = {
  title: 'Extractors and metadata',
  cases: [
    extracting('an extractor that throws', boom, undefined, 1),
    extracting('an extractor that returns a promise', async () => ({ late: true }), undefined, 1),
    extracting('an extractor that returns a rejected promise', async () => boom(), undefined, 1),
    extractor('a `success` extractor that throws', { success: boom }, 1, ([one], bench) =>
      bench.same('the outcome', one?.outcome, 'success'),
    ),
    extracting('an extractor that returns 10 MB', () => ({ text: 'x'.repeat(10_000_000) }), {
      text: `${'x'.repeat(1_024)}…`,
    }),
    extracting('a cycle', () => ({ cycle }), { cycle: { name: 'a', self: '[circular]' } }),
    extracting('a BigInt', () => ({ big: 12345678901234567890n }), { big: '12345678901234567890' }),
    extracting('a Date', () => ({ at: new Date(0) }), { at: '1970-01-01T00:00:00.000Z' }),
    extracting('a Map, in metadata and as metadata', () => new Map([['m', new Map([['k', 1]])]]), {
      m: { k: 1 },
    }),
    extracting('a Symbol', () => ({ s: Symbol('s') }), { s: 'Symbol(s)' }),
    extracting('a BigInt instead of metadata', () => 5n, undefined, 1),
    extracting('`pick`', pick('site', 'nested.x', 'missing'), { site: 'cologne', 'nested.x': 1 }),
    extracting('`pick.args`', pick.args('0.userId'), { '0.userId': 'u-1' }),
    extracting("`pick.keys`: the result's keys", pick.keys(), {
      result_keys: ['id', 'site', 'nested', 'of'],
    }),
    extracting('metadata with secrets', () => ({ password: 'hunter2', deep: { apiKey: 'k', site: 'a' } }), {
      deep: { apiKey: '[redacted]', site: 'a' },
      password: '[redacted]',
    }),
    extractor('a user of 1 MB', { user: () => 'u'.repeat(1_000_000) }, 0, ([one], bench) =>
      bench.same('its length', one?.userId?.length, 512),
    ),
    {
      what: 'secrets in the message of an error',
      back: 'the same error',
      records: ['failure Error'],
      own: true,
      async run(bench) {
        const error = new Error('login with password=hunter2 failed; Authorization: Bearer abc.def')
        const call = bench.wrap(async () => {
          throw error
        })
        await bench.fails('the call', error, call)
        bench.is('its message is untouched', error.message.includes('hunter2'))
      },
      check([one], bench) {
        bench.same(
          'the message',
          one?.errorMessage,
          'login with password=[redacted] failed; Authorization: [redacted]',
        )
        bench.is('no secret in the stack', !/hunter2|abc\.def/.test(one?.errorStack ?? ''))
      },
    },
  ],
}
