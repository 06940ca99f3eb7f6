import { context, createContextKey } from '@opentelemetry/api'
import { type Bench, collect, type Group } from '../case.js'

async function* three(bench: Bench): AsyncGenerator<number, string, unknown> {
  for (let i = 1; i <= 3; i += 1) {
    await bench.work(15)
    yield i
  }
  return 'done'
}

function* four(seen: string[] = []): Generator<number, string, string | undefined> {
  try {
    for (let i = 1; i <= 4; i += 1) seen.push(`${yield i}`)
    return 'done'
  } finally {
    seen.push('finally')
  }
}

const key = createContextKey('user')

export const generators: Group = {
  title: 'Generators',
  cases: [
    {
      what: 'generator, consumed with values sent in',
      back: 'the same object',
      records: ['success'],
      run(bench) {
        const seen: string[] = []
        const inner = four(seen)
        const generator = bench.wrap(() => inner)()
        bench.same('the result', generator, inner)
        bench.is('a generator by its prototype', Object.getPrototypeOf(generator) === four.prototype)
        generator.next()
        for (const word of ['a', 'b', 'c']) generator.next(word)
        const last = generator.next('d')
        bench.same('the last', `${last.done} ${last.value}`, 'true done')
        bench.same('what was sent in', seen.join(), 'a,b,c,d,finally')
      },
    },
    {
      what: 'async generator, 3 × 15 ms',
      back: 'the same object; timed to its end',
      records: ['success'],
      async run(bench) {
        const generator = bench.wrap(() => three(bench))()
        let sum = 0
        for await (const value of generator) sum += value
        bench.same('the sum', sum, 6)
        bench.is('an async generator', Symbol.asyncIterator in generator && !('then' in generator))
      },
    },
    {
      what: 'async generator function itself wrapped',
      back: 'a generator of its prototype',
      records: ['success'],
      async run(bench) {
        async function* body() {
          await bench.work(10)
          yield 1
        }
        const wrapped = bench.wrap(body)
        const generator = wrapped()
        bench.is('instanceof the wrapped function', generator instanceof wrapped)
        bench.is('instanceof the original function', generator instanceof body)
        bench.same('values', (await collect(generator)).join(), '1')
      },
    },
    {
      what: 'generator left early with `break`',
      back: 'its `finally` runs',
      records: ['success'],
      run(bench) {
        const seen: string[] = []
        for (const value of bench.wrap(() => four(seen))()) if (value === 2) break
        bench.same('what ran', seen.join(), 'undefined,finally')
      },
    },
    {
      what: 'async generator left early with `break`',
      back: 'timed until then',
      records: ['success'],
      async run(bench) {
        for await (const value of bench.wrap(() => three(bench))()) if (value === 2) break
      },
    },
    {
      what: 'generator ended with `return(value)`',
      back: 'the value',
      records: ['success'],
      run(bench) {
        const generator = bench.wrap(() => four())()
        generator.next()
        const last = generator.return('early')
        bench.same('the last', `${last.done} ${last.value}`, 'true early')
      },
    },
    {
      what: 'generator ended with `throw(error)`',
      back: 'the same error',
      records: ['failure TypeError'],
      async run(bench) {
        const generator = bench.wrap(() => four())()
        generator.next()
        const error = new TypeError('stop')
        await bench.fails('throw', error, () => generator.throw(error))
      },
    },
    {
      what: 'async generator whose body throws',
      back: 'the same error',
      records: ['failure RangeError'],
      async run(bench) {
        const error = new RangeError('no more')
        const call = bench.wrap(async function* () {
          await bench.work(10)
          yield 1
          throw error
        })
        await bench.fails('the loop', error, () => collect(call()))
      },
    },
    {
      what: '`yield*` of a wrapped generator',
      back: 'values, values sent in and the returned value',
      records: ['success'],
      run(bench) {
        const seen: string[] = []
        const inner = bench.wrap(() => four(seen))
        const outer = (function* () {
          return `outer ${yield* inner()}`
        })()
        outer.next()
        for (const word of ['a', 'b', 'c']) outer.next(word)
        bench.same('the end', outer.next('d').value, 'outer done')
        bench.same('what was sent in', seen.join(), 'a,b,c,d,finally')
      },
    },
    {
      what: 'the context of its caller at each step',
      back: 'the body does not leak its own',
      records: ['success'],
      async run(bench) {
        const generator = bench.wrap(async function* () {
          yield context.active().getValue(key)
          await bench.work(5)
          yield context.active().getValue(key)
        })
        await context.with(context.active().setValue(key, 'mine'), async () => {
          for await (const seen of generator()) {
            bench.same('inside', seen, 'mine')
            bench.same('between', context.active().getValue(key), 'mine')
          }
        })
      },
    },
    {
      what: 'generator never started',
      back: 'the same object',
      records: ['abandoned'],
      async run(bench) {
        const drop = () => void bench.wrap(() => four())()
        drop()
        await bench.collected()
      },
    },
    {
      what: 'async generator never finished',
      back: 'the same object; timed to its last step',
      records: ['abandoned'],
      async run(bench) {
        const drop = async () =>
          void (await bench
            .wrap(() => three(bench))()
            .next())
        await drop()
        await bench.collected()
      },
    },
  ],
}
