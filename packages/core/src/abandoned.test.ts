import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { currentOperation, track } from '@throughline/core'
import { abandonOpen } from '@throughline/core/runtime'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../testing/recording-runtime.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

let runtime: RecordingRuntime
let disable: () => void
beforeEach(() => {
  disable = enableContexts()
  runtime = installRecordingRuntime()
})
afterEach(() => {
  abandonOpen()
  runtime.uninstall()
  disable()
})

async function collectedUntil(state: () => boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!state() && performance.now() < end) {
    collectGarbage()
    await pause(5)
  }
}

function* numbers() {
  yield 1
  yield 2
}

test('what is open when the SDK stops is abandoned, and what comes of it later changes nothing', async () => {
  const gate = Promise.withResolvers<number>()
  const call = track('A.promise', async () => {
    const value = await gate.promise
    currentOperation()?.set({ late: true })
    return value
  })
  const running = call()
  const generator = track('A.generator', numbers)()
  expect(generator.next().value).toBe(1)
  let answer: ((error: unknown, value: string) => void) | undefined
  const waiting = (done: (error: unknown, value: string) => void) => {
    answer = done
  }
  const answers: string[] = []
  track('A.callback', waiting, { callback: true })((_, value) => answers.push(value))

  expect(abandonOpen()).toBe(3)
  expect(runtime.ended.map((one) => `${one.names.spanName} ${one.outcome}`)).toEqual([
    'A.promise abandoned',
    'A.generator abandoned',
    'A.callback abandoned',
  ])
  gate.resolve(7)
  expect(await running).toBe(7)
  expect([...generator]).toEqual([2])
  answer?.(null, 'value')
  expect(answers).toEqual(['value'])
  expect(runtime.ended).toHaveLength(3)
  expect(runtime.count('operation_sealed')).toBe(1)
  expect(abandonOpen()).toBe(0)
})

test('an abandoned operation lasts until its last sign of life, not until it is collected', async () => {
  const drop = () => void track('A.generator', numbers)().next()
  drop()
  const dropped = performance.now()
  await pause(50)
  await collectedUntil(() => runtime.ended.length === 1)
  expect(runtime.last()).toMatchObject({ outcome: 'abandoned', failure: undefined })
  expect(runtime.last().durationMs).toBeLessThan(dropped - runtime.last().startSteadyMs + 1)
})

test('at most 10,000 operations are listed; those beyond it still end by themselves', async () => {
  const gate = Promise.withResolvers<void>()
  const call = track('A.wait', () => gate.promise)
  const running = Array.from({ length: 10_005 }, () => call())
  expect(runtime.count('open_operation_unlisted')).toBe(5)
  gate.resolve()
  await Promise.all(running)
  expect(runtime.ended).toHaveLength(10_005)
  expect(runtime.ended.every((one) => one.outcome === 'success' && !one.listed)).toBe(true)
  expect(abandonOpen()).toBe(0)
})

test('promises that never settle, and generators that nobody ends, are not kept in memory', async () => {
  const results: WeakRef<object>[] = []
  const never = track('A.never', (_big: Uint8Array) => new Promise(() => {}))
  const generator = track('A.generator', function* (_big: Uint8Array) {
    yield 1
  })
  const drop = () => {
    for (let i = 0; i < 100; i += 1) {
      const big = new Uint8Array(1_000)
      results.push(new WeakRef(big))
      void never(big)
      const made = generator(big)
      made.next()
      results.push(new WeakRef(made))
    }
  }
  drop()
  await pause(0)
  await collectedUntil(
    () => runtime.ended.length === 100 && results.every((one) => one.deref() === undefined),
  )
  expect(results.filter((one) => one.deref() !== undefined)).toHaveLength(0)
  expect(runtime.ended.map((one) => one.outcome)).toEqual(Array.from({ length: 100 }, () => 'abandoned'))
})
