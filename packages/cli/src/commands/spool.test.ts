import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { encodeResource, encodeSpan } from '@throughline/otlp'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createNotices } from '../../../sdk/src/notices.js'
import { openSpool, type Spool } from '../../../sdk/src/spool/spool.js'
import { type Scratch, scratch } from '../../../sdk/testing/child.js'
import { type Receiver, startReceiver } from '../../../sdk/testing/receiver.js'
import { spool } from './spool.js'

let room: Scratch
let dir: string
let receiver: Receiver
let open: Spool[]
beforeEach(async () => {
  room = scratch()
  dir = join(room.dir, 'spool')
  open = []
  receiver = await startReceiver()
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', receiver.url)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await Promise.all(open.map((one) => one.close()))
  await receiver.close()
  room.remove()
})

async function fill(records: number): Promise<Spool> {
  const one = await openSpool({
    dir,
    instance: randomUUID(),
    resource: encodeResource({ 'service.name': 'billing' }),
    maxBytes: 2 ** 31,
    durability: 'process',
    notices: createNotices(() => {}),
  })
  open.push(one)
  for (let seq = 1; seq <= records; seq += 1)
    one.append(
      encodeSpan({
        traceId: seq.toString(16).padStart(32, '0'),
        spanId: seq.toString(16).padStart(16, '0'),
        name: `Billing.charge${seq}`,
        startTimeUnixNano: 1_700_000_000_000_000_000n,
        endTimeUnixNano: 1_700_000_000_000_000_001n,
        attributes: { 'correlation.id': `order-${seq}` },
      }),
      seq,
    )
  return one
}

async function said(...args: string[]): Promise<{ code: number; text: string }> {
  let text = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  const code = await spool(args)
  write.mockRestore()
  return { code, text }
}

test('inspect says what waits, for whom, and what was refused, while the service is at work', async () => {
  const living = await fill(5)
  const from = living.readable()
  const batch = from?.next(1)
  living.quarantine(from!, batch!.payloads[0]!, batch!.seqs[0]!)
  from?.acknowledge(batch!.end)
  const { code, text } = await said('inspect', dir, '--json')
  expect(code).toBe(0)
  expect(JSON.parse(text)).toMatchObject([
    {
      kind: 'pending',
      service: 'billing',
      alive: true,
      records: 4,
      ranges: [[2, 5]],
      unreadable: 0,
      first: [],
    },
    {
      kind: 'quarantine',
      service: 'billing',
      records: 1,
      ranges: [[1, 1]],
      first: [{ seq: 1, name: 'Billing.charge1', correlationId: 'order-1', startedAtMs: 1_700_000_000_000 }],
    },
  ])
  expect((await said('inspect', dir)).text).toMatch(/pending +4 .*billing +alive/)
  expect((await said('inspect', dir)).text).toMatch(/order-1 +Billing.charge1/)
})

test('drain brings out what ended instances left', async () => {
  await (await fill(20)).close()
  expect(await said('drain', dir)).toMatchObject({ code: 0, text: expect.stringMatching(/has been sent/) })
  expect(receiver.records()).toHaveLength(20)
  expect(await said('inspect', dir)).toMatchObject({ text: expect.stringMatching(/nothing/) })
})

test('drain ends in time and says how much is left when nobody takes it', async () => {
  await (await fill(20)).close()
  receiver.answer = () => 503
  const { code, text } = await said('drain', dir, '--timeout', '1', '--json')
  expect(code).toBe(1)
  expect(JSON.parse(text)).toEqual({ done: false, left: 20 })
  receiver.answer = () => 200
  expect((await said('drain', dir)).code).toBe(0)
})

test('drain waits for a service that is at work, and does not send for it', async () => {
  const living = await fill(3)
  const drained = said('drain', dir, '--json')
  const segment = living.readable()
  segment?.acknowledge(segment.next(2 ** 20)!.end)
  expect(await drained).toMatchObject({ code: 0 })
  expect(receiver.records()).toEqual([])
})

test.each([
  [['inspect'], /one folder/],
  [['look', '/tmp'], /inspect or drain/],
  [['drain', '/tmp', '--timeout', 'soon'], /--timeout is soon/],
])('%j is refused', async (args, message) => {
  await expect(spool(args)).rejects.toMatchObject({
    code: 'TL_USAGE',
    message: expect.stringMatching(message),
  })
})
