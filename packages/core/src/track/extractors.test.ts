import { type Call, currentOperation, pick, track } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
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

test('an extractor sees arguments, resolved result and `this` of a call that succeeded', async () => {
  const calls: Call[] = []
  const self = {
    call: track('A.b', async (a: number) => a + 1, { user: (call) => void calls.push(call) as never }),
  }
  await self.call(1)
  expect(calls).toEqual([{ args: [1], self, result: 2 }])
})

test('an extractor sees the error of a call that failed', () => {
  const error = new Error('no')
  let seen: Call | undefined
  const fails = track(
    'A.b',
    (): number => {
      throw error
    },
    {
      metadata: (call) => {
        seen = call
        return undefined
      },
    },
  )
  expect(() => fails()).toThrow(error)
  expect(seen?.error).toBe(error)
  expect(seen?.result).toBeUndefined()
})

test('user and metadata come to the record; a number becomes its digits', () => {
  track('A.b', (id: number) => ({ id, total: 3 }), { user: (call) => call.args[0], metadata: pick('total') })(
    7,
  )
  expect(runtime.last()).toMatchObject({ userId: '7', metadata: { total: 3 } })
})

test('an extractor that throws is counted, named, and changes neither the call nor the rest of the record', () => {
  const boom = () => {
    throw new Error('boom')
  }
  expect(track('A.b', () => 1, { user: boom, metadata: () => ({ kept: true }), success: boom })()).toBe(1)
  expect(runtime.last()).toMatchObject({ outcome: 'success', metadata: { kept: true } })
  expect(runtime.last().userId).toBeUndefined()
  expect(runtime.notices).toEqual([
    { reason: 'extraction_failed', detail: 'user of A.b: boom' },
    { reason: 'extraction_failed', detail: 'success of A.b: boom' },
  ])
})

test.each(['resolved', 'rejected'])(
  'a %s promise from an extractor is refused, counted and harmless',
  async (kind) => {
    const late = (async () => {
      if (kind === 'rejected') throw new Error('late')
      return { late: true }
    }) as never
    track('A.b', () => 1, { user: late, metadata: late, success: late })()
    await new Promise((resolve) => setImmediate(resolve))
    expect(runtime.count('extraction_failed')).toBe(3)
    expect(runtime.last()).toMatchObject({ outcome: 'success', metadata: undefined, userId: undefined })
  },
)

test('metadata whose getter throws costs the metadata, not the record', () => {
  const hostile = Object.defineProperty({}, 'x', {
    enumerable: true,
    get() {
      throw new Error('lazy')
    },
  })
  track('A.b', () => 1, { metadata: () => hostile })()
  expect(runtime.ended).toHaveLength(1)
  expect(runtime.count('extraction_failed')).toBe(1)
  track('A.c', () => currentOperation()?.set(hostile))()
  expect(runtime.ended).toHaveLength(2)
  expect(runtime.count('extraction_failed')).toBe(2)
})

test('success decides in business terms: `{ ok: false }` is a failure without an error', async () => {
  const sell = track('Shop.sell', async (ok: boolean) => ({ ok }), {
    success: (call) => call.result?.ok === true,
  })
  expect(await sell(false)).toEqual({ ok: false })
  expect(runtime.last()).toMatchObject({ outcome: 'failure', failure: undefined })
  await sell(true)
  expect(runtime.last().outcome).toBe('success')
})

test('success is not asked of a call that threw', () => {
  const fails = track(
    'A.b',
    () => {
      throw new Error('no')
    },
    { success: () => true },
  )
  expect(() => fails()).toThrow()
  expect(runtime.last().outcome).toBe('failure')
})

test('what the code set itself wins over the extractor, and a later set over an earlier one', () => {
  track(
    'A.b',
    () => {
      currentOperation()?.set({ a: 1, b: 1 })
      currentOperation()?.set({ b: 2 })
    },
    { metadata: () => ({ a: 'extracted', c: 3 }) },
  )()
  expect(runtime.last().metadata).toEqual({ a: 1, b: 2, c: 3 })
})

test('metadata set after the end is refused and counted', () => {
  let operation: ReturnType<typeof currentOperation>
  track('A.b', () => {
    operation = currentOperation()
  })()
  operation?.set({ late: true })
  expect(runtime.last().metadata).toBeUndefined()
  expect(runtime.count('operation_sealed')).toBe(1)
})

test('pick reaches into result and arguments and keeps only what is there', () => {
  const call = { args: [1, { userId: 7 }], result: { a: { b: 2 }, none: undefined }, self: undefined }
  expect(pick('a.b', 'a.missing.deep', 'none')(call)).toEqual({ 'a.b': 2 })
  expect(pick.args('0', '1.userId', '5')(call)).toEqual({ '0': 1, '1.userId': 7 })
  expect(pick.keys()(call)).toEqual({ result_keys: ['a', 'none'] })
  expect(pick.keys()({ args: [], result: 3, self: undefined })).toBeUndefined()
  expect(pick('a')({ args: [], self: undefined })).toEqual({})
})
