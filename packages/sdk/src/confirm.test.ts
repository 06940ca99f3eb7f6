import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { encodeResource, encodeSpan, type Span } from '@throughline/otlp'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Scratch, scratch } from '../testing/child.js'
import { type Receiver, startReceiver } from '../testing/receiver.js'
import { until } from '../testing/until.js'
import { createAsk } from './confirm-request.js'
import { createNotices, type Notices } from './notices.js'
import { createShipper, type Shipper } from './shipper.js'
import { openSpool, type Spool } from './spool/spool.js'

/*
 * The Collector takes everything (its 200 is in `receiver.requests`) and what it brings to the recorder is what a test puts into `stored`.
 */

let room: Scratch
let receiver: Receiver
let notices: Notices
let lines: string[]
let spool: Spool
let shipper: Shipper
let instance: string
let stored: Map<string, Set<number>>
let seq: number

async function open(
  options: { timeoutMs?: number; durability?: 'memory'; token?: string } = {},
): Promise<void> {
  const { timeoutMs = 60_000, durability = 'process', token } = options
  lines = []
  notices = createNotices((line) => lines.push(line))
  instance = randomUUID()
  seq = 0
  spool = await openSpool({
    dir: room.dir,
    instance,
    resource: encodeResource({ 'service.name': 'tests' }),
    maxBytes: 2 ** 31,
    durability,
    notices,
  })
  shipper = createShipper({
    spool,
    url: `${receiver.url}/v1/traces`,
    headers: {},
    scope: { name: 'throughline.operations', version: '1' },
    notices,
    instance,
    confirm: { ask: createAsk({ url: `${receiver.url}/v1/confirm`, token, timeoutMs: 1_000 }), timeoutMs },
  })
}

beforeEach(async () => {
  room = scratch()
  receiver = await startReceiver()
  stored = new Map()
  receiver.confirm = (of, after) => ({ ranges: rangesOf(stored.get(of) ?? new Set(), after) })
  await open()
})
afterEach(async () => {
  shipper.close()
  await spool.close()
  await receiver.close()
  room.remove()
})

function append(count = 1): void {
  for (let i = 0; i < count; i += 1) {
    seq += 1
    const payload = encodeSpan({
      traceId: seq.toString(16).padStart(32, '0'),
      spanId: seq.toString(16).padStart(16, '0'),
      name: `r${seq}`,
      startTimeUnixNano: 1n,
      endTimeUnixNano: 2n,
      attributes: { 'throughline.instance': instance, 'throughline.seq': seq },
    })
    spool.append(payload, seq)
  }
  shipper.wake()
}

/** The Collector's way to the recorder. */
function store(keep: (one: Span) => boolean = () => true): void {
  for (const { attributes, ...rest } of receiver.records()) {
    if (!keep({ attributes, ...rest })) continue
    const of = String(attributes['throughline.instance'])
    stored.set(of, (stored.get(of) ?? new Set()).add(Number(attributes['throughline.seq'])))
  }
}

function rangesOf(seqs: Set<number>, after: number): [number, number][] {
  const ranges: [number, number][] = []
  for (const one of [...seqs].sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last?.[1] === one - 1) last[1] = one
    else ranges.push([one, one])
  }
  return ranges.filter(([, hi]) => hi > after)
}

const names = () => receiver.records().map((one) => one.name)
const segments = () => readdirSync(join(room.dir, instance)).filter((name) => name.endsWith('.seg'))

test('what the Collector took stays until the recorder has it, and is sent once', async () => {
  append(10)
  await until('taken', () => names().length === 10)
  await until('asked', () => receiver.questions.length >= 2)
  expect(spool.empty).toBe(false)
  expect(shipper.counts().unconfirmed).toBe(10)
  store()
  await until('confirmed', () => spool.empty)
  expect(shipper.counts()).toMatchObject({ records: 10, unconfirmed: 0, repeated: 0 })
  expect(names()).toHaveLength(10)
})

test('a flush is true when the recorder has everything, and soon', async () => {
  append(3)
  expect(await shipper.flush(300)).toBe(false)
  const flushed = shipper.flush(10_000)
  store()
  expect(await flushed).toBe(true)
})

test('what a Collector lost is sent again from the first record that is missing', async () => {
  shipper.close()
  await spool.close()
  await open({ timeoutMs: 300 })
  append(5)
  await until('taken', () => names().length === 5)
  append(5)
  await until('taken', () => names().length === 10)
  // The second request reached the recorder, the first one did not.
  store((one) => Number(one.attributes['throughline.seq']) > 5)
  await until('sent again', () => names().length === 20)
  expect(names().slice(10)).toEqual(names().slice(0, 10))
  store()
  await until('confirmed', () => spool.empty)
  expect(notices.counts().get('record_resent')).toBe(10)
  expect(shipper.counts().repeated).toBe(10)
})

test('a recorder that cannot be asked is waited for: nothing is sent again, and it is said once', async () => {
  shipper.close()
  await spool.close()
  await open({ timeoutMs: 100 })
  receiver.confirm = () => 503
  append(3)
  await until('asked', () => receiver.questions.length >= 2)
  append(3)
  await until('taken', () => names().length === 6)
  await until('asked again', () => receiver.questions.length >= 3)
  expect(names()).toHaveLength(6)
  expect(spool.empty).toBe(false)
  expect(lines.filter((line) => line.includes('confirm_failed'))).toHaveLength(1)
  store()
  receiver.confirm = (of, after) => ({ ranges: rangesOf(stored.get(of) ?? new Set(), after) })
  await until('confirmed', () => spool.empty)
  expect(names()).toHaveLength(6)
})

test('the token goes along, and one that is refused is said without it', async () => {
  shipper.close()
  await spool.close()
  await open({ token: 'tl_ingest_secret' })
  receiver.confirm = () => 401
  append()
  await until('asked', () => receiver.questions.length > 0)
  expect(receiver.questions[0]?.authorization).toBe('Bearer tl_ingest_secret')
  await until('said', () => lines.some((line) => /answered 401.*THROUGHLINE_RECORDER_TOKEN/.test(line)))
  expect(lines.join()).not.toContain('tl_ingest_secret')
})

test('an answer that is cut is asked for to its end', async () => {
  append(20)
  await until('taken', () => names().length === 20)
  const odd = (one: Span) => Number(one.attributes['throughline.seq']) % 2 === 1
  store(odd)
  receiver.confirm = (of, after) => {
    const ranges = rangesOf(stored.get(of) ?? new Set(), after)
    return { ranges: ranges.slice(0, 3), truncated: ranges.length > 3 }
  }
  await until('four pages', () => receiver.questions.filter(({ after }) => after > 0).length >= 3)
  expect(spool.empty).toBe(false)
  store()
  await until('confirmed', () => spool.empty)
})

test('a record in quarantine needs no confirmation, those around it do', async () => {
  receiver.answer = ({ traces }) =>
    traces.some((one) => one.scopes.some(({ spans }) => spans.some(({ name }) => name === 'r2'))) ? 400 : 200
  append(3)
  await until('taken', () => names().length === 2)
  await until('quarantined', () => notices.counts().get('record_quarantined') === 1)
  expect(spool.empty).toBe(false)
  store()
  await until('confirmed', () => spool.empty)
})

test('segments leave the disk only when each record in them is confirmed', async () => {
  const padding = Buffer.alloc(100_000)
  for (let i = 0; i < 200; i += 1) {
    seq += 1
    spool.append(
      Buffer.concat([
        encodeSpan({
          traceId: seq.toString(16).padStart(32, '0'),
          spanId: seq.toString(16).padStart(16, '0'),
          name: `r${seq}`,
          startTimeUnixNano: 1n,
          endTimeUnixNano: 2n,
          attributes: { 'throughline.instance': instance, 'throughline.seq': seq, padding },
        }),
      ]),
      seq,
    )
  }
  shipper.wake()
  await until('taken', () => names().length === 200)
  expect(segments()).toHaveLength(3)
  store((one) => Number(one.attributes['throughline.seq']) <= 120)
  await until('the first is gone', () => segments().length === 2)
  store()
  await until('only the one in use is left', () => segments().length === 1)
})

test('what a dead instance left and the recorder has already is not sent a second time', async () => {
  append(10)
  await until('taken', () => names().length === 10)
  store()
  const dead = instance
  receiver.confirm = () => 503
  shipper.close()
  await spool.close()
  receiver.confirm = (of, after) => ({ ranges: rangesOf(stored.get(of) ?? new Set(), after) })
  const before = names().length
  await open()
  expect(instance).not.toBe(dead)
  expect(await spool.adopt()).toBe(1)
  expect(await shipper.flush(10_000)).toBe(true)
  expect(names()).toHaveLength(before)
})

test('memory alone is confirmed as well', async () => {
  shipper.close()
  await spool.close()
  await open({ durability: 'memory' })
  append(5)
  await until('taken', () => names().length === 5)
  expect(spool.empty).toBe(false)
  store()
  await until('confirmed', () => spool.empty)
})
