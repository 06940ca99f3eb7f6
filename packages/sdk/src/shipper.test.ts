import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeResource, encodeSpan } from '@throughline/otlp'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Scratch, scratch } from '../testing/child.js'
import { type Receiver, startReceiver } from '../testing/receiver.js'
import { until } from '../testing/until.js'
import { createNotices, type Notices } from './notices.js'
import { createShipper, type Shipper } from './shipper.js'
import { openSpool, type Spool } from './spool/spool.js'

let room: Scratch
let receiver: Receiver
let notices: Notices
let spool: Spool
let shipper: Shipper
let lines: string[]

async function open(service = 'tests', url = receiver.url): Promise<void> {
  lines = []
  notices = createNotices((line) => lines.push(line))
  const instance = randomUUID()
  spool = await openSpool({
    dir: room.dir,
    instance,
    resource: encodeResource({ 'service.name': service }),
    maxBytes: 2 ** 31,
    durability: 'process',
    notices,
  })
  shipper = createShipper({
    spool,
    url: `${url}/v1/traces`,
    headers: { 'x-tenant': 'a' },
    scope: { name: 'throughline.operations', version: '1' },
    notices,
    instance,
  })
}

beforeEach(async () => {
  room = scratch()
  receiver = await startReceiver()
  await open()
})
afterEach(async () => {
  shipper.close()
  await spool.close()
  await receiver.close()
  room.remove()
})

let next = 0
function append(name: string, padding = 0): void {
  next += 1
  spool.append(
    encodeSpan({
      traceId: next.toString(16).padStart(32, '0'),
      spanId: next.toString(16).padStart(16, '0'),
      name,
      startTimeUnixNano: 1n,
      endTimeUnixNano: 2n,
      attributes: { padding: 'x'.repeat(padding) },
    }),
    next,
  )
  shipper.wake()
}
const names = () => receiver.records().map((one) => one.name)
const many = (count: number) => Array.from({ length: count }, (_, i) => `r${i}`)

test('records arrive once and in order, with resource, scope, headers and a name for the content', async () => {
  for (const name of many(100)) append(name)
  await until('all sent', () => spool.empty)
  expect(names()).toEqual(many(100))
  const request = receiver.requests[0]
  expect(request?.traces[0]?.resource).toEqual({ 'service.name': 'tests' })
  expect(request?.traces[0]?.scopes[0]?.scope).toMatchObject({ name: 'throughline.operations', version: '1' })
  expect(request?.headers).toMatchObject({ 'x-tenant': 'a', 'content-type': 'application/x-protobuf' })
  expect(shipper.counts()).toEqual({
    requests: receiver.requests.length,
    failures: 0,
    records: 100,
    unconfirmed: 0,
    repeated: 0,
  })
})

test('what comes while others are gathered joins their request; none is larger than 1 MiB', async () => {
  for (const name of many(300)) append(name, 10_000)
  expect(await shipper.flush(10_000)).toBe(true)
  expect(names()).toEqual(many(300))
  expect(receiver.requests.length).toBeLessThan(6)
  for (const one of receiver.requests) expect(one.bytes).toBeLessThan(2 ** 20 + 2 ** 16)
})

test('503 with Retry-After, then 200: all arrive, and the time that was asked for is kept', async () => {
  const times: number[] = []
  receiver.answer = () => {
    times.push(performance.now())
    return times.length === 1 ? { status: 503, headers: { 'retry-after': '1' } } : 200
  }
  append('a')
  await until('sent', () => spool.empty)
  expect(names()).toEqual(['a'])
  expect(times[1]! - times[0]!).toBeGreaterThan(950)
  expect(notices.counts().get('ship_refused')).toBe(1)
})

test.each([500, 404, 401, 429])('%i keeps the record and it is tried again', async (status) => {
  receiver.answer = () => (receiver.requests.length < 2 ? status : 200)
  append('a')
  await until('sent', () => spool.empty)
  expect(receiver.requests.map((one) => one.status)).toEqual([status, status, 200])
})

test.each([401, 403])(
  '%i is said as what it is, and the records go once the receiver takes them',
  async (status) => {
    receiver.answer = () => (receiver.requests.length < 3 ? status : 200)
    for (const name of many(5)) append(name)
    await until('sent', () => spool.empty)
    expect(names()).toEqual(many(5))
    expect(notices.counts().get('record_quarantined')).toBeUndefined()
    expect(lines.filter((line) => line.includes('ship_refused'))).toEqual([
      expect.stringMatching(`answered ${status} .its token is missing, wrong or not allowed here.; kept`),
    ])
  },
)

test('records that one endpoint did not take go to another after a restart', async () => {
  receiver.answer = () => 503
  for (const name of many(5)) append(name)
  await until('refused', () => shipper.counts().failures > 0)
  shipper.close()
  await spool.close()
  const elsewhere = await startReceiver()
  await open('tests', elsewhere.url)
  await spool.adopt()
  expect(await shipper.flush(5_000)).toBe(true)
  expect(elsewhere.records().map((one) => one.name)).toEqual(many(5))
  await elsewhere.close()
})

test('a segment that cannot be read now does not hold up what comes after it', async () => {
  for (const name of many(3)) append(name)
  const broken = spool.readable()!
  Object.assign(broken, {
    next() {
      throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
    },
  })
  await until('said', () => notices.counts().get('spool_damaged') === 1)
  expect(lines.join()).toContain('EIO')
  expect(spool.readable()).toBeUndefined()
})

test('a receiver that is away: records wait, and arrive when it is back', async () => {
  const { port } = receiver
  await receiver.close()
  append('a')
  await until('refused', () => shipper.counts().failures > 0)
  expect(await shipper.flush(50)).toBe(false)
  receiver = await startReceiver(port)
  await until('sent', () => spool.empty)
  expect(names()).toEqual(['a'])
})

test('a receiver that hangs: flush ends within its time, and appending goes on', async () => {
  receiver.answer = () => 'hang'
  append('a')
  await until('request is out', () => receiver.requests.length > 0)
  const before = performance.now()
  expect(await shipper.flush(200)).toBe(false)
  expect(performance.now() - before).toBeLessThan(2_000)
  append('b')
  expect(spool.empty).toBe(false)
})

test.each([400, 413])(
  'a record that is answered %i is left alone in quarantine, all others arrive',
  async (status) => {
    receiver.answer = ({ traces }) =>
      traces[0]?.scopes[0]?.spans.some((one) => one.name === 'r37') === true ? status : 200
    for (const name of many(64)) append(name)
    await until('all done with', () => spool.empty)
    expect(names()).toEqual(many(64).filter((name) => name !== 'r37'))
    expect(notices.counts().get('record_quarantined')).toBe(1)
    const file = readdirSync(room.dir).find((name) => name.startsWith('quarantine-'))
    expect(readFileSync(join(room.dir, file ?? '')).includes('r37')).toBe(true)
  },
)

test('after a refusal for size, requests grow again', async () => {
  receiver.answer = ({ bytes }) => (bytes > 20_000 ? 413 : 200)
  for (const name of many(100)) append(name, 1_000)
  expect(await shipper.flush(10_000)).toBe(true)
  expect(names()).toEqual(many(100))
  receiver.answer = () => 200
  const before = receiver.requests.length
  for (const name of many(1_000)) append(name, 1_000)
  expect(await shipper.flush(10_000)).toBe(true)
  expect(receiver.requests.length - before).toBeLessThan(12)
})

test('two that flush at once are both told, the impatient one not at the cost of the other', async () => {
  let release = false
  receiver.answer = () => (release ? 200 : 503)
  append('a')
  const patient = shipper.flush(15_000)
  expect(await shipper.flush(20)).toBe(false)
  release = true
  const before = performance.now()
  expect(await patient).toBe(true)
  expect(performance.now() - before).toBeLessThan(10_000)
})

test('flush is done with what was there before it, although more keeps coming', async () => {
  append('before')
  const busy = setInterval(() => append('more'), 1)
  expect(await shipper.flush(5_000)).toBe(true)
  clearInterval(busy)
  expect(names()).toContain('before')
  expect(await shipper.flush(5_000)).toBe(true)
})

test('an empty flush is true at once', async () => {
  expect(await shipper.flush(0)).toBe(true)
  expect(receiver.requests).toEqual([])
})

test('records of a dead instance are sent under its own resource', async () => {
  append('of the dead')
  shipper.close()
  await spool.close()
  await open('successor')
  expect(await spool.adopt()).toBe(1)
  append('own')
  expect(await shipper.flush(5_000)).toBe(true)
  expect(
    receiver.requests.map((one) => [
      one.traces[0]?.resource['service.name'],
      one.traces[0]?.scopes[0]?.spans[0]?.name,
    ]),
  ).toEqual([
    ['tests', 'of the dead'],
    ['successor', 'own'],
  ])
})

test('records that come during a request are gathered for the next one', async () => {
  let asked = 0
  receiver.answer = () => {
    asked += 1
    if (asked === 1) {
      append('during the request')
      // Its timer is due before the shipper's.
      setTimeout(() => append('shortly after'), 40)
    }
    return 200
  }
  append('first')
  await until('all sent', () => names().length === 3)
  expect(receiver.requests.map((one) => one.traces[0]?.scopes[0]?.spans.map((span) => span.name))).toEqual([
    ['first'],
    ['during the request', 'shortly after'],
  ])
})

test('much that comes during a request goes out at once', async () => {
  const times: number[] = []
  receiver.answer = () => {
    times.push(performance.now())
    if (times.length === 1) for (const name of many(40)) append(name, 10_000)
    return 200
  }
  append('first')
  await until('all sent', () => names().length === 41)
  expect(receiver.requests).toHaveLength(2)
})
