import { track } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
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

/** What both kinds of decorators must come to. */
interface Orders {
  place(id: number): Promise<number>
  health(): string
  charge(): string
  total: number
  inherited(): string
  handler: () => string
}

async function use(Class: { new (): Orders; make(): Orders; helper: () => string }): Promise<void> {
  const orders = Class.make()
  expect(orders).toBeInstanceOf(Class)
  expect(await orders.place(7)).toBe(7)
  expect(orders.health()).toBe('well')
  expect(orders.charge()).toBe('charged')
  expect(orders.total).toBe(3)
  expect(orders.inherited()).toBe('inherited')
  expect(orders.handler()).toBe('handled')
  expect(Class.helper()).toBe('helped')
  expect(names()).toEqual(['Orders.make', 'Orders.place', 'Billing.charge'])
}

class Base {
  inherited(): string {
    return 'inherited'
  }
}

@track
class Plain extends Base {
  static helper = () => 'helped'
  handler = () => 'handled'
  static make(): Plain {
    return new Plain()
  }
  async place(id: number): Promise<number> {
    return id
  }
  @track.skip
  health(): string {
    return 'well'
  }
  @track({ name: 'Billing.charge' })
  charge(): string {
    return 'charged'
  }
  get total(): number {
    return 3
  }
}

test('a tracked class tracks the methods that it declares, each once; not what is skipped, inherited, a getter or a field', async () => {
  Object.defineProperty(Plain, 'name', { value: 'Orders' })
  await use(Plain)
})

test('options hold for all methods of a class', async () => {
  @track({ service: 'Shop', user: (call) => call.args[0] })
  class Orders {
    place(_user: string): void {}
    cancel(_user: string): void {}
  }
  const orders = new Orders()
  orders.place('u-1')
  orders.cancel('u-2')
  expect(runtime.ended.map((one) => `${one.names.spanName} ${one.userId}`)).toEqual([
    'Shop.place u-1',
    'Shop.cancel u-2',
  ])
})

test('one name for all methods of a class is refused, and so is `track.skip` on anything but a method', () => {
  expect(() => {
    @track({ name: 'A.b' })
    class Orders {
      place(): void {}
    }
    return Orders
  }).toThrow(/name is for one method; for all of class Orders use service/)
  expect(() => {
    class Orders {
      // @ts-expect-error the types refuse it as well
      @track.skip
      field = 1
    }
    return Orders
  }).toThrow(/@track\.skip stands on methods/)
})

test.each([['without'], ['with', '--emitDecoratorMetadata']])(
  'with legacy decorators %s type metadata it is the same',
  async (_, ...more) => {
    const compiled = await compileFixture('legacy-class', '--experimentalDecorators', ...more)
    const { Orders } = (await import(/* @vite-ignore */ compiled.path)) as { Orders: never }
    await compiled.remove()
    await use(Orders)
  },
)
