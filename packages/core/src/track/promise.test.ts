import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { track } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../testing/recording-runtime.js'

const run = promisify(execFile)
const built = new URL('../../dist/esm/', import.meta.url)

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

test('an asynchronous value is the same value, and its operation lasts until then', async () => {
  const value = { id: 1 }
  const gate = Promise.withResolvers<void>()
  const running = track('Billing.charge', async () => {
    await gate.promise
    return value
  })()
  expect(runtime.started).toHaveLength(1)
  expect(runtime.ended).toHaveLength(0)
  gate.resolve()
  expect(await running).toBe(value)
  expect(runtime.ended).toHaveLength(1)
  expect(runtime.last().outcome).toBe('success')
})

test('a rejection arrives with the same reason, and is one failed operation', async () => {
  const reason = new TypeError('no')
  const running = track('Billing.charge', async () => {
    throw reason
  })()
  await expect(running).rejects.toBe(reason)
  expect(runtime.ended).toHaveLength(1)
  expect(runtime.last()).toMatchObject({ outcome: 'failure', failure: { type: 'TypeError', message: 'no' } })
})

test('the operation has ended before the first reaction of the caller runs', async () => {
  const order: string[] = []
  runtime.uninstall()
  runtime = installRecordingRuntime({ end: () => void order.push('record') })
  const call = track('A.b', async (fail: boolean) => {
    if (fail) throw new Error('no')
  })
  await call(false).then(() => order.push('value'))
  await call(true).catch(() => order.push('reason'))
  expect(order).toEqual(['record', 'value', 'record', 'reason'])
})

test('a promise of a subclass comes back as the same object, observed', async () => {
  class Cancelable<T> extends Promise<T> {
    cancel(): void {}
  }
  const promise = new Cancelable<number>((resolve) => resolve(1))
  expect(track('A.b', () => promise)()).toBe(promise)
  await promise
  expect(runtime.last().outcome).toBe('success')
})

test('a `then` patched onto the promise is not run by the tracking', async () => {
  const promise = Promise.resolve(1)
  let patched = 0
  Object.defineProperty(promise, 'then', {
    value: () => {
      patched += 1
    },
  })
  track('A.b', () => promise)()
  await Promise.resolve()
  expect(patched).toBe(0)
  expect(runtime.ended).toHaveLength(1)
})

test('a promise with properties of its own keeps them', async () => {
  const promise = Object.assign(Promise.resolve(3), { cancel: () => 'cancelled' })
  const returned = track('A.b', () => promise)()
  expect(returned.cancel()).toBe('cancelled')
  expect(await returned).toBe(3)
  expect(runtime.ended).toHaveLength(1)
})

const child = (body: string) => `
  import { installRuntime } from ${JSON.stringify(`${built}runtime.js`)}
  import { track } from ${JSON.stringify(`${built}index.js`)}
  installRuntime({ name: 'x', serviceName: 'x', start() {}, end() {}, measure() {}, notice() {} })
  const reject = track('A.b', async () => { throw new Error('nobody listens') })
  ${body}
`

test('a rejection that nobody handles is still unhandled, once', async () => {
  const counting = `
    let seen = 0
    process.on('unhandledRejection', (reason) => { seen += 1; if (reason.message !== 'nobody listens') process.exit(9) })
    process.on('exit', () => process.exit(seen))
    reject()`
  const ended = await run(process.execPath, ['--input-type=module', '-e', child(counting)]).catch(
    (error) => error,
  )
  expect(ended.code).toBe(1)
  const crash = await run(process.execPath, ['--input-type=module', '-e', child('reject()')]).catch(
    (error) => error,
  )
  expect(crash.stderr).toContain('nobody listens')
})

test('a rejection that is handled is not reported as unhandled', async () => {
  const handled = 'reject().catch(() => process.stdout.write("caught"))'
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', child(handled)])
  expect(stdout).toBe('caught')
})
