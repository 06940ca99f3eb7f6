import type { Case, Group } from '../case.js'

class OutOfStock extends RangeError {
  override name = 'OutOfStock'
}

function throwing(what: string, thrown: unknown, type: string, check?: Case['check']): Case {
  return {
    what,
    back: 'the very same, thrown',
    records: [`failure ${type}`],
    run: (bench) =>
      bench.fails(
        'the call',
        thrown,
        bench.wrap(() => {
          throw thrown
        }),
      ),
    ...(check === undefined ? {} : { check }),
  }
}

function rejecting(shown: string, reason: unknown, type: string): Case {
  return {
    what: `promise rejected with ${shown}`,
    back: 'the same reason',
    records: [`failure ${type}`],
    async run(bench) {
      const call = bench.wrap(async () => {
        await bench.work(5)
        throw reason
      })
      await bench.fails('the call', reason, call)
    },
  }
}

const hostile = Object.defineProperty(new Error('x'), 'message', {
  get() {
    throw new Error('no message')
  },
})

export const values: Group = {
  title: 'Values and errors',
  cases: [
    {
      what: 'synchronous value',
      back: 'the same object, at once',
      records: ['success'],
      run(bench) {
        const value = { id: 1 }
        bench.same('the result', bench.wrap(() => value)(), value)
      },
    },
    throwing('synchronous throw', new OutOfStock('none left'), 'OutOfStock', ([one], bench) => {
      bench.same('the message', one?.errorMessage, 'none left')
    }),
    {
      what: 'promise',
      back: 'a promise of the same value',
      records: ['success'],
      async run(bench) {
        const value = { id: 1 }
        const promise = bench.wrap(async () => {
          await bench.work(15)
          return value
        })()
        bench.is('a native promise', promise instanceof Promise && promise.constructor === Promise)
        bench.same('the value', await promise, value)
      },
    },
    rejecting('an error', new OutOfStock('none left'), 'OutOfStock'),
    rejecting('`undefined`', undefined, 'undefined'),
    rejecting('`null`', null, 'null'),
    rejecting('`0`', 0, 'number'),
    rejecting("`''`", '', 'string'),
    rejecting('an object that is no Error', { code: 7 }, 'object'),
    throwing('a frozen error', Object.freeze(new OutOfStock('cold')), 'OutOfStock'),
    throwing('an error whose `message` throws', hostile, 'Error'),
    throwing(
      'an error with causes',
      new Error('outer', { cause: new TypeError('middle', { cause: 'the root' }) }),
      'Error',
      ([one], bench) => {
        bench.is('its stack has the causes', /TypeError: middle[\s\S]*the root/.test(one?.errorStack ?? ''))
      },
    ),
    throwing(
      'AggregateError',
      new AggregateError([new Error('first'), new TypeError('second')], 'all failed'),
      'AggregateError',
      ([one], bench) => {
        bench.is(
          'its stack has the errors',
          /Error: first[\s\S]*TypeError: second/.test(one?.errorStack ?? ''),
        )
      },
    ),
    {
      what: 'an aborted `AbortSignal`',
      back: "the signal's reason",
      records: ['failure AbortError'],
      async run(bench) {
        const abort = new AbortController()
        const call = bench.wrap(
          (signal: AbortSignal) =>
            new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
        )
        const running = call(abort.signal)
        await bench.work(5)
        abort.abort()
        await bench.fails('the call', abort.signal.reason, () => running)
      },
    },
    {
      what: 'a result changed after its return',
      back: 'the same object',
      records: ['success'],
      own: true,
      async run(bench) {
        const call = bench.wrap(async () => ({ lines: [{ id: 1 }] }), { metadata: (call) => call.result })
        const result = await call()
        result.lines[0]!.id = 2
      },
      check: ([one], bench) => bench.same('metadata', JSON.stringify(one?.metadata), '{"lines":[{"id":1}]}'),
    },
  ],
}
