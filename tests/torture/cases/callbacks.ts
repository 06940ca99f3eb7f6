import type { Bench, Group } from '../case.js'

type Callback = (error: unknown, value?: string) => void

const options = { callback: 'last' } as const

function later(bench: Bench): (ms: number, done: Callback) => string {
  return bench.wrap((ms: number, done: Callback) => {
    bench.workThen(ms, () => done(null, 'value'))
    return 'returned'
  }, options)
}

export const callbacks: Group = {
  title: 'Callback last (option `callback`)',
  cases: [
    {
      what: 'called after 30 ms',
      back: 'what the function returns; timed to the callback',
      records: ['success'],
      async run(bench) {
        const value = await new Promise((resolve) => {
          const returned = later(bench)(30, (_, answer) => resolve(answer))
          bench.same('the result', returned, 'returned')
        })
        bench.same('the value', value, 'value')
      },
    },
    {
      what: 'called with an error',
      back: 'the same error',
      records: ['failure TypeError'],
      async run(bench) {
        const error = new TypeError('no')
        const call = bench.wrap((done: Callback) => bench.workThen(5, () => done(error)), options)
        bench.same('the error', await new Promise((resolve) => call(resolve)), error)
      },
    },
    {
      what: 'called twice',
      back: 'both calls',
      records: ['success'],
      async run(bench) {
        const answers: unknown[] = []
        const call = bench.wrap((done: Callback) => {
          bench.workThen(5, () => {
            done(null, 'first')
            done(new Error('again'))
          })
        }, options)
        await new Promise<void>((resolve) =>
          call((error, value) => {
            answers.push(error === null ? value : 'error')
            if (answers.length === 2) resolve()
          }),
        )
        bench.same('answers', answers.join(), 'first,error')
      },
    },
    {
      what: 'called synchronously',
      back: 'at once',
      records: ['success'],
      run(bench) {
        let answer: unknown
        bench.wrap(
          (done: Callback) => done(null, 'now'),
          options,
        )((_, value) => {
          answer = value
        })
        bench.same('the value', answer, 'now')
      },
    },
    {
      what: 'never called',
      back: 'what the function returns',
      records: ['abandoned'],
      async run(bench) {
        const drop = () => void bench.wrap((_done: Callback) => 'returned', options)(() => {})
        drop()
        await bench.collected()
      },
    },
    {
      what: 'the callback itself',
      back: 'name, length and `this`',
      records: ['success'],
      run(bench) {
        const self = {}
        let seen: unknown
        const call = bench.wrap((done: Callback) => {
          bench.same('its name', done.name, 'answered')
          bench.same('its length', done.length, 2)
          done.call(self, null)
        }, options)
        call(function answered(this: unknown, _error: unknown, _value?: string) {
          seen = this
        })
        bench.same('this', seen, self)
      },
    },
    {
      what: 'a call without a callback',
      back: 'its promise',
      records: ['success'],
      own: true,
      async run(bench) {
        const call = bench.wrap(async (_done?: Callback) => {
          await bench.work(10)
          return 'promised'
        }, options)
        bench.same('the value', await call(), 'promised')
      },
    },
  ],
}
