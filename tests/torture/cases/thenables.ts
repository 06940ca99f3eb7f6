import type { Bench, Group } from '../case.js'

class Cancelable<T> extends Promise<T> {
  static made = 0
  constructor(executor: ConstructorParameters<typeof Promise<T>>[0]) {
    super(executor)
    Cancelable.made += 1
  }
  cancel(): string {
    return 'cancelled'
  }
}

/** As query builders are made: nothing happens before `then`, each `then` is an execution. */
class Query {
  executions = 0
  parts: string[] = []
  readonly #bench: Bench

  constructor(bench: Bench) {
    this.#bench = bench
  }

  where(part: string): this {
    this.parts.push(part)
    return this
  }

  clone(): Query {
    const copy = new Query(this.#bench)
    copy.parts = [...this.parts]
    return copy
  }

  // biome-ignore lint/suspicious/noThenProperty: a query builder is such an object
  then<A, B>(onValue?: (rows: string[]) => A, onReason?: (reason: unknown) => B): Promise<A | B> {
    this.executions += 1
    return this.#bench
      .work(10)
      .then(() => [...this.parts])
      .then(onValue, onReason) as Promise<A | B>
  }
}

/** postgres.js makes its queries so: a Promise that begins at its first `then`. */
class LazyPromise extends Promise<number> {
  static override get [Symbol.species]() {
    return Promise
  }
  executions = 0
  #begin: (() => void) | undefined

  constructor(begin: (resolve: (value: number) => void) => void) {
    let settle: (value: number) => void = () => {}
    super((resolve) => {
      settle = resolve
    })
    this.#begin = () => begin(settle)
  }

  // biome-ignore lint/suspicious/noThenProperty: the lazy promise is about it
  override then(...handlers: Parameters<Promise<number>['then']>): never {
    if (this.#begin !== undefined) this.executions += 1
    this.#begin?.()
    this.#begin = undefined
    return super.then(...handlers) as never
  }
}

export const thenables: Group = {
  title: 'Promises of other kinds, and thenables',
  cases: [
    {
      what: 'a Promise subclass',
      back: 'the same object',
      records: ['success'],
      async run(bench) {
        let promise: Promise<number> | undefined
        const made = Cancelable.made
        const returned = bench.wrap(() => {
          promise = new Cancelable<number>((resolve) => bench.workThen(15, () => resolve(1)))
          return promise
        })()
        bench.same('the result', returned, promise)
        bench.same('instances made', Cancelable.made, made + 1)
        bench.same('the value', await returned, 1)
      },
    },
    {
      what: 'a promise with properties of its own',
      back: 'the same object',
      records: ['success'],
      async run(bench) {
        let promise: (Promise<number> & { cancel(): string }) | undefined
        const returned = bench.wrap(() => {
          promise = Object.assign(
            bench.work(15).then(() => 3),
            { cancel: () => 'cancelled' },
          )
          return promise
        })()
        bench.same('the result', returned, promise)
        bench.same('cancel', returned.cancel?.(), 'cancelled')
        bench.same('the value', await returned, 3)
        bench.same('its constructor', returned.constructor, Promise)
      },
    },
    {
      what: 'query builder, awaited later',
      back: 'the same object, with its chain methods',
      records: ['success'],
      async run(bench) {
        const query = new Query(bench)
        const returned = bench.wrap(() => query)()
        bench.same('the result', returned, query)
        await new Promise((resolve) => setTimeout(resolve, 5))
        bench.same('executions before it is awaited', query.executions, 0)
        bench.same('own keys', Object.keys(query).join(), 'executions,parts')
        bench.same('rows', (await returned.where('a').where('b')).join(), 'a,b')
        bench.same('executions', query.executions, 1)
      },
    },
    {
      what: 'query builder, awaited twice',
      back: 'the same object; each execution is an operation',
      records: ['success', 'success'],
      async run(bench) {
        const query = bench.wrap(() => new Query(bench).where('a'))()
        bench.same('rows', (await query).join(), 'a')
        bench.same('rows', (await query).join(), 'a')
        bench.same('executions', query.executions, 2)
      },
    },
    {
      what: 'query builder, cloned and awaited',
      back: 'the clone is the caller’s own; the original is an operation',
      records: ['success'],
      async run(bench) {
        const query = bench.wrap(() => new Query(bench).where('a'))()
        const clone = query.clone().where('b')
        bench.is('the clone has its own `then`', clone.then === Query.prototype.then)
        bench.same('rows of the original', (await query).join(), 'a')
        bench.same('executions of the clone', clone.executions, 0)
      },
    },
    {
      what: 'query builder, never awaited',
      back: 'the same object; it is never run',
      records: ['abandoned'],
      async run(bench) {
        let executions = 0
        const drop = () => {
          const query = bench.wrap(() => new Query(bench))()
          executions = query.executions
        }
        drop()
        await bench.collected()
        bench.same('executions', executions, 0)
      },
    },
    {
      what: 'query builder whose execution fails',
      back: 'the same error',
      records: ['failure TypeError'],
      async run(bench) {
        const error = new TypeError('no such column')
        const query = {
          // biome-ignore lint/suspicious/noThenProperty: a query builder is such an object
          then: (_: unknown, reject: (reason: unknown) => void) => bench.workThen(5, () => reject(error)),
        }
        const call = bench.wrap(() => query)
        await bench.fails('the call', error, () => call())
      },
    },
    {
      what: 'a lazy Promise (postgres.js), awaited twice',
      back: 'the same object; it runs once',
      records: ['success'],
      async run(bench) {
        const query = bench.wrap(() => new LazyPromise((resolve) => bench.workThen(10, () => resolve(7))))()
        await new Promise((resolve) => setTimeout(resolve, 5))
        bench.same('executions before it is awaited', query.executions, 0)
        bench.same('the value', await query, 7)
        bench.same('the value', await query, 7)
        bench.same('executions', query.executions, 1)
      },
    },
    {
      what: 'the promise of a library (Bluebird), awaited twice',
      back: 'the same object; one operation',
      records: ['success'],
      async run(bench) {
        let foreign: PromiseLike<void> | undefined
        const returned = bench.wrap(() => {
          const work = bench.work(10)
          foreign = {
            isPending: () => true,
            // biome-ignore lint/suspicious/noThenProperty: the promise of another library
            then: (...handlers) => work.then(...handlers),
          } as PromiseLike<void>
          return foreign
        })()
        bench.same('the result', returned, foreign)
        await returned
        await returned
      },
    },
  ],
}
