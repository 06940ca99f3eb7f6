import { currentOperation, track } from '@throughline/core'
import type { SealedOperation } from '@throughline/core/runtime'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../testing/recording-runtime.js'

let runtime: RecordingRuntime
let disable: () => void
beforeEach(() => {
  disable = enableContexts()
  runtime = installRecordingRuntime({
    seal: ({ traceId, startUnixNano, userId, metadata }) =>
      ({
        traceId,
        startedAtUs: startUnixNano / 1000n,
        userId: userId ?? null,
        metadata: metadata === undefined ? null : JSON.stringify(metadata),
      }) as SealedOperation,
  })
})
afterEach(() => {
  runtime.uninstall()
  disable()
})

const seal = () => currentOperation()?.seal()

test('the SDK is asked for the record of the operation as it is then', () => {
  const sealed = track('Billing.charge', () => {
    currentOperation()?.set({ n: 1 })
    return seal()
  })()
  expect(sealed).toMatchObject({ traceId: runtime.last().traceId, metadata: '{"n":1}' })
  expect(runtime.last()).toMatchObject({ sealed: true, outcome: 'success' })
})

test('extractors still see the end of the call: it is on the copy, not on what was given away', () => {
  const sealed = track('Billing.charge', seal, { user: () => 'late', metadata: () => ({ late: true }) })()
  expect(sealed).toMatchObject({ userId: null, metadata: null })
  expect(runtime.last()).toMatchObject({ userId: 'late', metadata: { late: true } })
})

test('what is sealed stays sealed, and keeps the start that is part of its identity', async () => {
  let first: ReturnType<typeof seal>
  let executed = false
  // A query builder: its work begins with `then`, long after the call that sealed.
  const lazy = track('Orders.find', () => {
    first = seal()
    return {
      // biome-ignore lint/suspicious/noThenProperty: a lazy thenable is what this is about
      then(done: (value: number) => void) {
        executed = true
        done(7)
      },
    }
  })
  expect(await lazy()).toBe(7)
  expect(executed).toBe(true)
  expect(runtime.last().startUnixNano / 1000n).toBe(first?.startedAtUs)
})

test('an operation is given away once, and not after its end', () => {
  let escaped: ReturnType<typeof currentOperation>
  const again = track('Billing.charge', () => {
    escaped = currentOperation()
    return [seal() === undefined, seal() === undefined]
  })
  expect(again()).toEqual([false, true])
  expect(escaped?.seal()).toBeUndefined()
  expect(runtime.count('operation_sealed')).toBe(2)
})

test('what is no record is nothing to give', () => {
  expect(track('Billing.look', seal, { record: false })()).toBeUndefined()
  expect(runtime.notices).toEqual([])
})
