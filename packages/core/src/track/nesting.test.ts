import { setImmediate as turn } from 'node:timers/promises'
import { context, createContextKey, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { correlation, currentOperation, track } from '@throughline/core'
import type { Runtime } from '@throughline/core/runtime'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../testing/recording-runtime.js'

let runtime: RecordingRuntime
let disable: () => void
beforeEach(() => {
  disable = enableContexts()
})
afterEach(() => {
  runtime.uninstall()
  disable()
})

describe.each<[string, Partial<Runtime>]>([
  ['any context manager', {}],
  ["the SDK's own context manager", { enterContext: (inside) => context.attach(inside) }],
])('with %s', (_, contexts) => {
  beforeEach(() => {
    runtime = installRecordingRuntime(contexts)
  })

  test('a nested operation is the child of the outer one, in the same trace under the same correlation ID', async () => {
    const inner = track('Inner.run', async () => turn())
    const outer = track('Outer.run', async () => {
      await turn()
      await inner()
    })
    await outer()
    const [child, parent] = runtime.ended
    expect(child?.names.spanName).toBe('Inner.run')
    expect(child?.parentSpanId).toBe(parent?.spanId)
    expect(child?.traceId).toBe(parent?.traceId)
    expect(child?.correlationId).toBe(parent?.correlationId)
    expect(parent?.parentSpanId).toBeUndefined()
  })

  test('after a call the caller is in its own context again, also after a throw', () => {
    const outer = track('Outer.run', () => {
      const mine = currentOperation()?.spanId
      track('Inner.ok', () => 1)()
      expect(currentOperation()?.spanId).toBe(mine)
      expect(() =>
        track('Inner.fails', () => {
          throw new Error('no')
        })(),
      ).toThrow()
      expect(currentOperation()?.spanId).toBe(mine)
    })
    outer()
    expect(currentOperation()).toBeUndefined()
    expect(trace.getActiveSpan()).toBeUndefined()
  })

  test('below an unsampled remote parent the operation keeps its place in the trace', () => {
    const remote = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 0, isRemote: true }
    context.with(trace.setSpanContext(ROOT_CONTEXT, remote), () =>
      track('A.b', () => {
        expect(trace.getActiveSpan()?.spanContext()).toMatchObject({ traceId: remote.traceId, traceFlags: 0 })
        expect(trace.getActiveSpan()?.spanContext().spanId).toBe(currentOperation()?.spanId)
      })(),
    )
    expect(runtime.last()).toMatchObject({
      traceId: remote.traceId,
      parentSpanId: remote.spanId,
      traceFlags: 0,
    })
  })

  test('a value that the application put into its context is still there inside, and one put inside stays inside', () => {
    const key = createContextKey('application')
    context.with(ROOT_CONTEXT.setValue(key, 'outer'), () => {
      track('Outer.run', () => {
        expect(context.active().getValue(key)).toBe('outer')
        context.with(context.active().setValue(key, 'inner'), () => {
          expect(currentOperation()?.spanId).toBe(runtime.started.at(-1)?.spanId)
          track('Inner.run', () => expect(context.active().getValue(key)).toBe('inner'))()
        })
        expect(context.active().deleteValue(key).getValue(key)).toBeUndefined()
        expect(correlation.id()).toBe(runtime.started[0]?.correlationId)
      })()
    })
    expect(runtime.ended[0]?.parentSpanId).toBe(runtime.ended[1]?.spanId)
  })

  test('10,000 levels of asynchronous recursion are one chain of parents', async () => {
    const descend: (levels: number) => Promise<number> = track('Deep.descend', async (levels: number) => {
      await null
      return levels === 0 ? 0 : 1 + (await descend(levels - 1))
    })
    expect(await descend(10_000)).toBe(10_000)
    expect(runtime.ended).toHaveLength(10_001)
    const outermost = runtime.ended.at(-1)
    expect(outermost?.parentSpanId).toBeUndefined()
    for (let i = 0; i < 10_000; i += 1)
      expect(runtime.ended[i]?.parentSpanId).toBe(runtime.ended[i + 1]?.spanId)
  })

  test('1,000 calls at once do not mix their contexts', async () => {
    const inner = track('Inner.run', async (id: string) => {
      for (let i = 0; i < 3; i += 1) await turn()
      expect(correlation.id()).toBe(id)
      currentOperation()?.set({ id })
    })
    const outer = track('Outer.run', async (id: string) => {
      await turn()
      await inner(id)
      currentOperation()?.set({ id })
    })
    const ids = Array.from({ length: 1_000 }, (_, i) => `order-${i}`)
    await Promise.all(ids.map((id) => correlation.run(id, () => outer(id))))
    expect(runtime.ended).toHaveLength(2_000)
    const outers = new Map(
      runtime.ended
        .filter((one) => one.names.operation === 'run' && one.names.service === 'Outer')
        .map((one) => [one.correlationId, one]),
    )
    expect(outers.size).toBe(1_000)
    for (const one of runtime.ended) {
      expect(one.metadata).toEqual({ id: one.correlationId })
      if (one.names.service === 'Inner') expect(one.parentSpanId).toBe(outers.get(one.correlationId)?.spanId)
    }
    expect(new Set(runtime.ended.map((one) => one.spanId)).size).toBe(2_000)
  })

  test('an asynchronous call leaves no trace of itself in the context of its caller, who goes on at once', async () => {
    const key = createContextKey('application')
    await context.with(ROOT_CONTEXT.setValue(key, 'outer'), async () => {
      const inner = track('Inner.run', async () => {
        await turn()
        return currentOperation()?.spanId
      })
      const [one, two] = [inner(), inner()]
      expect(currentOperation()).toBeUndefined()
      expect(context.active().getValue(key)).toBe('outer')
      await turn()
      expect(currentOperation()).toBeUndefined()
      expect(await one).not.toBe(await two)
      expect(new Set(runtime.started.map(({ spanId }) => spanId))).toEqual(new Set([await one, await two]))
    })
  })

  test('a context manager that fails to enter costs nobody anything but a count', () => {
    runtime.uninstall()
    runtime = installRecordingRuntime({
      enterContext() {
        throw new Error('no')
      },
    })
    expect(track('A.b', () => currentOperation()?.spanId)()).toBe(runtime.last().spanId)
    expect(runtime.count('internal_error')).toBe(1)
  })
})

/** How deep a function that calls itself comes. */
function depth(wrap: (fn: (level: number) => void) => (level: number) => void): number {
  let reached = 0
  const descend = wrap((level) => {
    reached = level
    descend(level + 1)
  })
  expect(() => descend(1)).toThrow(RangeError)
  return reached
}

test("with the SDK's own context manager 3,000 levels of synchronous recursion fit the stack, three quarters of what any wrapper leaves", () => {
  runtime = installRecordingRuntime({ enterContext: (inside) => context.attach(inside) })
  const descend: (levels: number) => number = track('Deep.descend', (levels: number) =>
    levels === 0 ? 0 : 1 + descend(levels - 1),
  )
  expect(descend(3_000)).toBe(3_000)
  expect(runtime.ended).toHaveLength(3_001)

  const least = depth(
    (fn) =>
      function (this: unknown, ...args) {
        return Reflect.apply(fn, this, args)
      },
  )
  expect(depth((fn) => track('Deep.fall', fn)) / least).toBeGreaterThan(0.75)
  expect(currentOperation()).toBeUndefined()
})
