import { readdirSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Child, IMPORTS, runLines, type Scratch, scratch } from '../testing/child.js'
import { type Receiver, startReceiver } from '../testing/receiver.js'

let room: Scratch
let receiver: Receiver
let children: Child[]
beforeEach(async () => {
  room = scratch()
  children = []
  receiver = await startReceiver()
})
afterEach(async () => {
  for (const child of children) child.process.kill('SIGKILL')
  await Promise.all(children.map((one) => one.ended))
  await receiver.close()
  room.remove()
})

function run(body: string): Child {
  const child = runLines(
    `${IMPORTS}
    const sdk = await start()
    const call = track('A.b', async () => 1)
    const value = business.counter('calls')
    for (let i = 0; i < 10; i += 1) await call()
    value.add(10, {})
    ${body}`,
    { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, THROUGHLINE_SPOOL_DIR: room.dir },
  )
  children.push(child)
  return child
}

function delivered(): { records: number; business: unknown } {
  const metric = receiver.metricsOf('throughline.business').at(-1)?.metrics[0]?.scopes[0]?.metrics[0]
  return {
    records: receiver.records().length,
    business: metric?.data.kind === 'sum' ? metric.data.points[0]?.value : undefined,
  }
}

test('a process without records that ends by itself still brings out its metrics', async () => {
  const child = runLines(
    `${IMPORTS}
    await start()
    business.counter('calls').add(10, {})`,
    { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, THROUGHLINE_SPOOL_DIR: room.dir },
  )
  children.push(child)
  expect(await child.ended).toEqual({ code: 0, signal: null })
  expect(delivered()).toEqual({ records: 0, business: 10 })
})

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s delivers everything and remains the reason of the end',
  async (signal) => {
    const child = run(`console.log('ready'); setInterval(() => {}, 1_000)`)
    await child.printed('ready')
    process.kill(child.pid, signal)
    expect(await child.ended).toEqual({ code: null, signal })
    expect(delivered()).toEqual({ records: 10, business: 10 })
    expect(readdirSync(room.dir)).toEqual([])
  },
)

test('a signal that comes twice (Ctrl-C under npm) still delivers everything', async () => {
  let again = false
  receiver.answer = ({ path }) => {
    if (path !== '/v1/traces' || again) return 200
    again = true
    process.kill(child.pid, 'SIGINT')
    return 503
  }
  const child = run(`console.log('ready'); setInterval(() => {}, 1_000)`)
  await child.printed('ready')
  process.kill(child.pid, 'SIGINT')
  expect(await child.ended).toEqual({ code: null, signal: 'SIGINT' })
  expect(delivered()).toEqual({ records: 10, business: 10 })
})

test('an application that listens to the signal itself decides the end', async () => {
  const child = run(`
    process.on('SIGTERM', async () => { await sdk.shutdown(); process.exit(7) })
    console.log('ready'); setInterval(() => {}, 1_000)`)
  await child.printed('ready')
  process.kill(child.pid, 'SIGTERM')
  expect(await child.ended).toEqual({ code: 7, signal: null })
  expect(delivered()).toEqual({ records: 10, business: 10 })
})

test('shutdown takes its listeners away', async () => {
  const child = run(`
    await sdk.shutdown()
    console.log(['SIGTERM', 'SIGINT', 'beforeExit'].map((name) => process.listenerCount(name)).join())`)
  await child.ended
  expect(child.stdout()).toBe('0,0,0\n')
})
