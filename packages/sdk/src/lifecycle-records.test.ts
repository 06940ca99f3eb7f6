import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Child, IMPORTS, runLines, type Scratch, scratch } from '../testing/child.js'
import { type Receiver, startReceiver } from '../testing/receiver.js'
import { until } from '../testing/until.js'

let room: Scratch
let receiver: Receiver
let child: Child | undefined
beforeEach(async () => {
  room = scratch()
  receiver = await startReceiver()
})
afterEach(async () => {
  child?.process.kill('SIGKILL')
  await child?.ended
  await receiver.close()
  room.remove()
})

function run(body: string): Child {
  child = runLines(
    `${IMPORTS}
    const sdk = await start({ serviceName: 'billing', serviceVersion: '1.2.3' })
    const call = track('A.b', async () => 1)
    for (let i = 0; i < 3; i += 1) await call()
    ${body}`,
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      THROUGHLINE_SPOOL_DIR: room.dir,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging',
    },
  )
  return child
}

/** What is left in the spool is brought out by a next start, whose own records are not looked at. */
async function lifecycleOf(): Promise<Record<string, unknown>[]> {
  const first = receiver.lifecycle()[0]?.attributes['throughline.instance']
  const next = runLines(`${IMPORTS}\nawait (await start()).shutdown(10_000)`, {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    THROUGHLINE_SPOOL_DIR: room.dir,
  })
  await next.ended
  const all = receiver.lifecycle().map((one) => one.attributes)
  const instance = first ?? all[0]?.['throughline.instance']
  return all.filter((one) => one['throughline.instance'] === instance)
}

test('the first record of an instance says that it begins, the last how it ended and which number was the last', async () => {
  await run('await sdk.shutdown()').ended
  const [begin, end] = receiver.lifecycle()
  const instance = begin?.attributes['throughline.instance']
  expect(begin?.attributes).toEqual({
    'throughline.lifecycle': 'start',
    'throughline.instance': expect.stringMatching(/^[0-9a-f-]{36}$/),
    'throughline.seq': 1,
  })
  expect(end?.attributes).toEqual({
    'throughline.lifecycle': 'stop',
    'throughline.instance': instance,
    'throughline.seq': 5,
    'throughline.stop_reason': 'shutdown',
    'throughline.last_seq': 5,
  })
  for (const one of [begin, end]) {
    expect(one).toMatchObject({ name: 'throughline.instance', flags: 0x100 })
    expect(one?.endTimeUnixNano).toBe(one?.startTimeUnixNano)
  }
  expect(receiver.requests.find(({ path }) => path === '/v1/traces')?.traces[0]?.resource).toMatchObject({
    'service.name': 'billing',
    'service.version': '1.2.3',
    'service.instance.id': instance,
    'deployment.environment.name': 'staging',
    'host.name': expect.any(String),
  })
})

test.each([
  ['exit', 'void 0'],
  ['exit', 'process.exit(3)'],
  ['uncaught', `throw new Error('own crash')`],
  [
    'uncaught',
    `setImmediate(() => Promise.reject(new Error('own rejection'))); setInterval(() => {}, 1_000)`,
  ],
  ['signal:SIGTERM', `setInterval(() => {}, 1_000); process.kill(process.pid, 'SIGTERM')`],
  [
    'signal:SIGINT',
    `process.on('SIGINT', () => sdk.shutdown().then(() => process.exit())); setInterval(() => {}, 1_000)
     process.kill(process.pid, 'SIGINT')`,
  ],
  // It went on after the error, and ended later, for another reason.
  [
    'shutdown',
    `process.once('uncaughtException', () => setTimeout(() => sdk.shutdown(), 50)); setImmediate(() => { throw new Error('handled') })`,
  ],
])('an end says its reason: %s', async (reason, body) => {
  await run(body).ended
  const records = await lifecycleOf()
  expect(records.map((one) => one['throughline.lifecycle'])).toEqual(['start', 'stop'])
  expect(records.at(-1)).toMatchObject({ 'throughline.stop_reason': reason, 'throughline.last_seq': 5 })
})

test('a killed instance says nothing, and its records have no stop', async () => {
  const killed = run(`console.log('ready'); setInterval(() => {}, 1_000)`)
  await killed.printed('ready')
  killed.process.kill('SIGKILL')
  await killed.ended
  const records = await lifecycleOf()
  expect(records.map((one) => one['throughline.lifecycle'])).toEqual(['start'])
})

test('an operation that ends while the shutdown flushes is not beyond the last number', async () => {
  let held = false
  receiver.answer = ({ path }) => {
    if (path !== '/v1/traces' || held) return 200
    held = true
    return 503
  }
  await run(`
    const ending = sdk.shutdown()
    await call()
    await ending`).ended
  await until('all there', () => receiver.records().length === 4)
  const numbers = [...receiver.records(), ...receiver.lifecycle()].map((one) =>
    Number(one.attributes['throughline.seq']),
  )
  const last = receiver.lifecycle().map((one) => Number(one.attributes['throughline.last_seq'] ?? 0))
  expect(Math.max(...last)).toBe(Math.max(...numbers))
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: numbers.length }, (_, i) => i + 1))
})
