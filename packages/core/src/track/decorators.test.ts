import { track } from '@throughline/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { compileFixture } from '../../testing/compile.js'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../testing/recording-runtime.js'

let runtime: RecordingRuntime
let disable: () => void
beforeEach(() => {
  disable = enableContexts()
  runtime = installRecordingRuntime()
})
afterEach(() => {
  runtime.uninstall()
  disable()
})
const names = () => runtime.ended.map((one) => one.names.spanName)

describe('decorators of today', () => {
  class Base {
    #count = 0

    @track
    plain(a: number): number {
      return a + 1
    }

    @track({ user: (call) => call.args[0] })
    async later(userId: string): Promise<string> {
      return `${userId}:${this.label()}`
    }

    @track({ name: 'Billing.charge' })
    named(): void {}

    @track()
    static make(): string {
      return 'made'
    }

    @track()
    #hidden(): number {
      this.#count += 1
      return this.#count
    }

    @track()
    [Symbol.iterator](): number {
      return this.#hidden()
    }

    label(): string {
      return 'base'
    }
  }

  class Derived extends Base {
    override label(): string {
      return 'derived'
    }
  }

  test('a method is named by the class of `this`, an inherited one by the subclass', async () => {
    expect(new Base().plain(1)).toBe(2)
    expect(await new Derived().later('u-1')).toBe('u-1:derived')
    expect(names()).toEqual(['Base.plain', 'Derived.later'])
    expect(runtime.last()).toMatchObject({ userId: 'u-1', names: { service: 'Derived', operation: 'later' } })
  })

  test('a static method is named by its class, an inherited one by the subclass', () => {
    expect(Base.make()).toBe('made')
    Derived.make()
    expect(names()).toEqual(['Base.make', 'Derived.make'])
  })

  test('private and symbol methods have their names', () => {
    expect(new Base()[Symbol.iterator]()).toBe(1)
    expect(names()).toEqual(['Base.hidden', 'Base.Symbol.iterator'])
  })

  test('a given name wins, and a method without `this` is named by itself', () => {
    new Base().named()
    const { plain } = new Base()
    expect(plain.call(undefined as never, 1)).toBe(2)
    expect(names()).toEqual(['Billing.charge', 'plain'])
  })

  test('calls of one class share one names object, so an SDK may bind to it', () => {
    const base = new Base()
    base.plain(1)
    new Base().plain(1)
    new Derived().plain(1)
    expect(runtime.ended[0]?.names).toBe(runtime.ended[1]?.names)
    expect(runtime.ended[0]?.names).not.toBe(runtime.ended[2]?.names)
  })

  test('a class with a static `name` of another kind does no harm', () => {
    class Odd {
      static name = 7 as never
      @track
      run(): void {}
    }
    new Odd().run()
    expect(names()).toEqual(['run'])
  })

  test('the method keeps name and length', () => {
    expect(Base.prototype.later.name).toBe('later')
    expect(Base.prototype.later.length).toBe(1)
  })

  test('on anything but a method it is refused where it stands', () => {
    const any = track as never as (...args: unknown[]) => undefined
    expect(() => {
      class Wrong {
        @any value = 1
      }
      return Wrong
    }).toThrow(/stands on methods and classes; value is neither/)
    expect(() => {
      class Wrong {
        @any get value(): number {
          return 1
        }
      }
      return Wrong
    }).toThrow(/value is neither/)
  })
})

/** What the fixture exports; its source is only valid under `experimentalDecorators`, which this file is not compiled with. */
interface Legacy {
  Base: { new (): LegacyBase; prototype: LegacyBase }
  Derived: { new (): LegacyBase; make(): string }
  decorateAccessor(): unknown
  decorateProperty(): unknown
}

interface LegacyBase {
  plain(a: number): number
  later(userId: string): Promise<string>
  named(): void
  routedAbove: () => void
  routedBelow: () => void
}

describe.each([['without'], ['with', '--emitDecoratorMetadata']])(
  'legacy decorators %s type metadata',
  (_, ...more) => {
    test('methods are tracked and named, and keep what other decorators hang on them', async () => {
      const compiled = await compileFixture('legacy-decorators', '--experimentalDecorators', ...more)
      const fixture = (await import(/* @vite-ignore */ compiled.path)) as Legacy
      await compiled.remove()
      const { Base, Derived } = fixture
      expect(new Base().plain(1)).toBe(2)
      expect(await new Derived().later('u-1')).toBe('u-1:derived')
      expect(runtime.last().userId).toBe('u-1')
      expect(Derived.make()).toBe('made')
      new Base().named()
      expect(names()).toEqual(['Base.plain', 'Derived.later', 'Derived.make', 'Billing.charge'])
      expect((Base.prototype.routedAbove as { route?: string }).route).toBe('/above')
      expect((Base.prototype.routedBelow as { route?: string }).route).toBe('/below')
      expect(() => fixture.decorateAccessor()).toThrow(/stands on methods and classes; value is neither/)
      expect(() => fixture.decorateProperty()).toThrow(/stands on methods and classes; value is neither/)
    })
  },
)
