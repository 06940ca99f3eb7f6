import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Scratch, scratch } from '../../packages/sdk/testing/child.js'
import { type Receiver, startReceiver } from '../../packages/sdk/testing/receiver.js'
import { until } from '../../packages/sdk/testing/until.js'
import { installOwn } from '../support/npm.js'
import { ask, folder, type Service, startService } from './support/service.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7/
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const theirs = {
  'x-correlation-id': 'order-4711',
  traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
  baggage: 'tenant=acme,card=4111',
}

let room: Scratch
let receiver: Receiver
let back: Service
const running: Service[] = []

async function service(name: string, env: Record<string, string> = {}): Promise<Service> {
  const started = await startService(name, {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    THROUGHLINE_SPOOL_DIR: `${room.dir}/spool`,
    ...env,
  })
  running.push(started)
  return started
}

async function stop({ child }: Service): Promise<void> {
  child.process.kill('SIGTERM')
  await child.ended
}

beforeAll(async () => {
  await installOwn(folder)
  room = scratch()
  receiver = await startReceiver()
  back = await service('back', { THROUGHLINE_BAGGAGE_KEYS: 'tenant,card' })
  running.length = 0
})
afterEach(async () => {
  await Promise.all(running.splice(0).map(stop))
})
afterAll(async () => {
  if (back !== undefined) await stop(back)
  await receiver?.close()
  room?.remove()
})

const through = (front: Service, via: string, to = back.url) =>
  `${front.url}/call?via=${via}&to=${encodeURIComponent(`${to}/echo`)}`

test.each(['http', 'fetch', 'undici'])(
  'the ID and the trace go on to the next service by %s, each header once',
  async (via) => {
    const front = await service('front')
    const { answered, body } = await ask(through(front, via), theirs)
    expect(answered).toBe('order-4711')
    expect(body).toMatchObject({ id: 'order-4711', header: 'order-4711' })
    expect(body.traceparent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`))
  },
)

test.each<[string, string | string[]]>([
  ['two headers', ['a', 'b']],
  ['a header of 9 kB', 'a'.repeat(9_216)],
  ['a header with a space', 'a b'],
])('%s: a new ID from the server span on, and nothing of what came goes further', async (_, value) => {
  const { answered, body } = await ask(through(back, 'fetch'), { 'x-correlation-id': value })
  expect(answered).toMatch(UUID)
  expect(body).toMatchObject({ id: answered, header: answered })
})

test('no baggage crosses by default; the named entries do, both ways', async () => {
  const front = await service('front')
  expect((await ask(through(front, 'fetch'), theirs)).body.baggage).toBeUndefined()
  const open = await service('open', { THROUGHLINE_BAGGAGE_KEYS: 'tenant' })
  expect((await ask(through(open, 'fetch'), theirs)).body.baggage).toBe('tenant=acme')
})

test('a peer that is not trusted begins a new trace under a new ID, from its server span on', async () => {
  const front = await service('front', { THROUGHLINE_TRUST: '127.0.0.1', THROUGHLINE_BAGGAGE_KEYS: 'tenant' })
  const stranger = await ask(through(front, 'http'), theirs, '127.0.0.2')
  expect(stranger.answered).toMatch(UUID)
  expect(stranger.body).toMatchObject({ id: stranger.answered, header: stranger.answered })
  expect(stranger.body.traceparent).not.toContain(TRACE)
  expect(stranger.body.baggage).toBeUndefined()
  const neighbour = await ask(through(front, 'http'), theirs)
  expect(neighbour).toMatchObject({ answered: 'order-4711', body: { baggage: 'tenant=acme' } })
  await stop(front)
  const spans = receiver
    .spans('@opentelemetry/instrumentation-http')
    .filter((one) => one.kind === 2 && one.attributes['correlation.id'] === stranger.answered)
  expect(spans.length).toBeGreaterThan(0)
  expect(spans.filter((one) => one.traceId === TRACE)).toEqual([])
  expect(front.child.stderr()).toContain('correlation_id_untrusted')
  expect(front.child.stderr()).not.toContain('order-4711')
})

test.each(['http', 'fetch', 'undici'])(
  'with an allow list no header of ours reaches another host by %s',
  async (via) => {
    const front = await service('front', { THROUGHLINE_PROPAGATE_TO: 'localhost,*.internal' })
    const known = await ask(through(front, via, back.url.replace('127.0.0.1', 'localhost')), theirs)
    expect(known.body).toMatchObject({ id: 'order-4711', header: 'order-4711' })
    expect(known.body.traceparent).toContain(TRACE)
    const stranger = await ask(through(front, via), theirs)
    expect(stranger).toMatchObject({ answered: 'order-4711' })
    for (const header of ['header', 'traceparent', 'baggage']) expect(stranger.body[header]).toBeUndefined()
    expect(stranger.body.id).toMatch(UUID)
  },
)

test('the user that a middleware finds is on the server span, the client span and the record', async () => {
  const front = await service('front')
  await ask(through(front, 'fetch'), { 'x-correlation-id': 'order-user', 'x-user': 'ada' })
  await stop(front)
  const mine = () =>
    ['@opentelemetry/instrumentation-http', '@opentelemetry/instrumentation-undici', 'throughline.operations']
      .flatMap((scope) => receiver.spans(scope))
      .filter(
        (one) => one.attributes['correlation.id'] === 'order-user' && one.attributes['user.id'] === 'ada',
      )
  await until('the spans of the request', () => mine().length >= 3)
  expect(
    mine()
      .map((one) => one.name)
      .sort(),
  ).toEqual(['Front.call', 'GET', 'GET'])
})
