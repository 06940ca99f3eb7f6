import { randomUUID } from 'node:crypto'
import type { Attributes, Span } from '@throughline/otlp'
import { expect, test } from 'vitest'
import { aSpan, nowNs, post, requestOf } from '../test/requests.js'
import { useRecorder } from '../test/running-recorder.js'

const recorder = useRecorder()

const numbered = (instance: string, seq: number, more: Partial<Span> = {}): Span =>
  aSpan({
    ...more,
    attributes: { 'throughline.instance': instance, 'throughline.seq': seq, ...more.attributes },
  })

const lifecycle = (instance: string, seq: number, attributes: Attributes): Span => {
  const now = nowNs()
  return numbered(instance, seq, {
    name: 'throughline.instance',
    startTimeUnixNano: now,
    endTimeUnixNano: now,
    flags: 256,
    attributes,
  })
}

const confirm = async (query: string): Promise<{ status: number; body: unknown }> => {
  const answer = await fetch(`${recorder.url}/v1/confirm?${query}`)
  return { status: answer.status, body: await answer.json() }
}

test('the start and stop of an instance become its row, no operation, and count as delivered', async () => {
  const instance = randomUUID()
  const body = requestOf([
    lifecycle(instance, 1, { 'throughline.lifecycle': 'start' }),
    numbered(instance, 2),
    lifecycle(instance, 3, {
      'throughline.lifecycle': 'stop',
      'throughline.stop_reason': 'signal:SIGTERM',
      'throughline.last_seq': 3,
    }),
  ])
  expect((await post(recorder.url, body)).status).toBe(200)
  expect(await recorder.rows()).toHaveLength(1)
  const { rows } = await recorder.client.query('SELECT * FROM throughline.instances')
  expect(rows).toMatchObject([
    {
      instance,
      service: 'billing',
      started_at: expect.any(Date),
      stopped_at: expect.any(Date),
      stop_reason: 'signal:SIGTERM',
      last_seq: '3',
    },
  ])
  expect(await confirm(`instance=${instance}`)).toEqual({
    status: 200,
    body: { instance, ranges: [[1, 3]] },
  })

  expect((await post(recorder.url, body)).status).toBe(200)
  expect((await recorder.client.query('SELECT * FROM throughline.instances')).rows).toEqual(rows)
})

test('an operation that happens to be named throughline.instance is an operation', async () => {
  expect((await post(recorder.url, requestOf([aSpan({ name: 'throughline.instance' })]))).status).toBe(200)
  expect(await recorder.rows()).toMatchObject([{ operation_service: 'throughline', operation: 'instance' }])
})

test('a lifecycle record that says nothing of use is parked with its number, and confirmed', async () => {
  const instance = randomUUID()
  const spans = [
    lifecycle(instance, 1, { 'throughline.lifecycle': 'begin' }),
    aSpan({ name: 'throughline.instance', attributes: { 'throughline.lifecycle': 'start' } }),
  ]
  expect((await post(recorder.url, requestOf(spans))).status).toBe(200)
  expect(await recorder.parked()).toEqual([
    'throughline.instance is no UUID',
    'throughline.lifecycle is neither start nor stop',
  ])
  expect(await confirm(`instance=${instance}`)).toMatchObject({ body: { ranges: [[1, 1]] } })
})

test('what is confirmed is what was stored, known before, or parked: a gap stays a gap', async () => {
  const instance = randomUUID()
  const first = requestOf([numbered(instance, 1), numbered(instance, 2)])
  const poison = numbered(instance, 5, { attributes: { 'throughline.business': 'none' } })
  await post(recorder.url, first)
  await post(recorder.url, first)
  await post(recorder.url, requestOf([poison, numbered(instance, 7)]))
  const ranges = [
    [1, 2],
    [5, 5],
    [7, 7],
  ]
  expect(await confirm(`instance=${instance}`)).toMatchObject({ body: { ranges } })
  expect(await confirm(`instance=${instance.toUpperCase()}&after=2`)).toMatchObject({
    body: { ranges: ranges.slice(1) },
  })
  await post(recorder.url, requestOf([numbered(instance, 3), numbered(instance, 4)]))
  await post(recorder.url, requestOf([numbered(instance, 6)]))
  expect(await confirm(`instance=${instance}`)).toMatchObject({ body: { ranges: [[1, 7]] } })
})

test('an instance with more gaps than an answer holds is confirmed piece by piece', async () => {
  const instance = randomUUID()
  const spans = Array.from({ length: 1_200 }, (_, n) => numbered(instance, 1 + n * 2))
  await post(recorder.url, requestOf(spans))
  const first = (await confirm(`instance=${instance}`)).body as { ranges: number[][]; truncated: boolean }
  expect([first.ranges.length, first.truncated]).toEqual([1_000, true])
  const rest = await confirm(`instance=${instance}&after=${first.ranges.at(-1)![1]}`)
  expect(rest.body).toMatchObject({ ranges: { length: 200 } })
  expect(rest.body).not.toHaveProperty('truncated')
})

test('an instance that nobody knows has no ranges; a question that is none is answered 400', async () => {
  expect(await confirm(`instance=${randomUUID()}`)).toMatchObject({ status: 200, body: { ranges: [] } })
  for (const query of [
    '',
    'instance=7',
    `instance=${randomUUID()}&after=-1`,
    `instance=${randomUUID()}&after=1e3`,
    `instance=${randomUUID()}&instance=${randomUUID()}`,
    `instance=${randomUUID()}&before=1`,
  ])
    expect((await confirm(query)).status, query).toBe(400)
})
