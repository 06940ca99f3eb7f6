import type { Group } from '../case.js'

export const functions: Group = {
  title: 'Functions, methods, classes',
  cases: [
    {
      what: 'name, length, own properties and prototype of the function',
      back: 'as those of the original',
      records: [],
      run(bench) {
        const mark = Symbol('mark')
        async function original(a: number, b: number) {
          return a + b
        }
        Object.assign(original, { route: '/orders', [mark]: 1 })
        const wrapped = bench.wrap(original) as typeof original & { route?: string; [mark]?: number }
        bench.same('name', wrapped.name, 'original')
        bench.same('length', wrapped.length, 2)
        bench.same('a property', wrapped.route, '/orders')
        bench.same('a property under a symbol', wrapped[mark], 1)
        bench.same('its constructor', wrapped.constructor.name, 'AsyncFunction')
      },
    },
    {
      what: 'a method bound in its constructor',
      back: 'its object',
      records: ['success'],
      run(bench) {
        class Service {
          constructor() {
            this.self = this.self.bind(this)
          }
          self(): this {
            return this
          }
        }
        Service.prototype.self = bench.wrap(Service.prototype.self)
        const service = new Service()
        const { self } = service
        bench.same('this', self(), service)
      },
    },
    {
      what: 'private fields',
      back: 'their values',
      records: ['success'],
      run(bench) {
        class Counter {
          #count = 41
          next(): number {
            this.#count += 1
            return this.#count
          }
        }
        Counter.prototype.next = bench.wrap(Counter.prototype.next)
        bench.same('the value', new Counter().next(), 42)
      },
    },
    {
      what: 'a getter',
      back: 'its value',
      records: ['success'],
      run(bench) {
        const order = { lines: [1, 2] }
        Object.defineProperty(order, 'total', {
          get: bench.wrap(function (this: typeof order) {
            return this.lines.length
          }),
        })
        bench.same('the value', (order as unknown as { total: number }).total, 2)
      },
    },
    {
      what: 'static, inherited and overridden methods with `super`',
      back: 'their values',
      records: ['success', 'success'],
      run(bench) {
        class Base {
          static make(): string {
            // biome-ignore lint/complexity/noThisInStatic: which class `this` is, is the question
            return `made ${this.name}`
          }
          greet(): string {
            return `base ${this.constructor.name}`
          }
        }
        Base.make = bench.wrap(Base.make)
        Base.prototype.greet = bench.wrap(Base.prototype.greet)
        class Derived extends Base {
          override greet(): string {
            return `derived ${super.greet()}`
          }
        }
        bench.same('static', Derived.make(), 'made Derived')
        bench.same('super', new Derived().greet(), 'derived base Derived')
      },
    },
    {
      what: 'an arrow function in a field',
      back: 'its object',
      records: ['success'],
      run(bench) {
        class Service {
          self = bench.wrap(() => this)
        }
        const service = new Service()
        bench.same('this', service.self.call(null), service)
      },
    },
    {
      what: '`this` of undefined, null, a number',
      back: 'as given',
      records: ['success', 'success', 'success'],
      run(bench) {
        const self = bench.wrap(function (this: unknown) {
          return this
        })
        for (const value of [undefined, null, 5]) bench.same('this', self.call(value), value)
      },
    },
    {
      what: 'a Proxy of a function',
      back: 'what its trap answers',
      records: ['success'],
      run(bench) {
        const proxied = new Proxy(() => 'target', { apply: () => 'trap' })
        bench.same('the value', bench.wrap(proxied)(), 'trap')
      },
    },
    {
      what: 'a Proxy as result',
      back: 'the same object; none of its traps is run',
      records: ['success'],
      run(bench) {
        const traps: string[] = []
        const noisy = new Proxy({}, new Proxy({}, { get: (_, trap) => void traps.push(String(trap)) }))
        bench.same('the result', bench.wrap(() => noisy)(), noisy)
        bench.same('traps', traps.join(), '')
      },
    },
    {
      what: 'a frozen function, and a frozen result',
      back: 'the same object',
      records: ['success'],
      run(bench) {
        const result = Object.freeze({ id: 1 })
        const frozen = Object.freeze(() => result)
        bench.same('the result', bench.wrap(frozen)(), result)
      },
    },
    {
      what: '`new` on a wrapped constructor',
      back: 'its instance; no operation',
      records: [],
      run(bench) {
        function Point(this: { x: number }, x: number) {
          this.x = x
        }
        const Wrapped = bench.wrap(Point) as unknown as new (x: number) => { x: number }
        const point = new Wrapped(4)
        bench.same('x', point.x, 4)
        bench.is('instanceof the wrapped', point instanceof Wrapped)
        bench.is('instanceof the original', point instanceof Point)
        class Derived extends Wrapped {}
        bench.is('a derived class', new Derived(5) instanceof Derived)
      },
    },
    {
      what: 'overloads and default parameters',
      back: 'their values',
      records: ['success', 'success'],
      run(bench) {
        function add(a: number, b?: number): number
        function add(a: string): string
        function add(a: number | string, b = 1): number | string {
          return typeof a === 'string' ? a : a + b
        }
        const wrapped = bench.wrap(add)
        bench.same('a number', wrapped(1), 2)
        bench.same('a text', wrapped('a'), 'a')
      },
    },
  ],
}
