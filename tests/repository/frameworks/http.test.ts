import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { built, type Scratch, scratch } from '../../../packages/sdk/testing/child.js'
import { type Receiver, startReceiver } from '../../../packages/sdk/testing/receiver.js'
import { until } from '../../../packages/sdk/testing/until.js'
import { type Answer, ask, type Served, serve } from '../../frameworks/support/serve.js'
import { installOwn } from '../../support/npm.js'
import { root } from '../workspace.js'
import { compile } from './compile.js'

const folder = join(root, 'tests/frameworks/http')
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const SEVERAL = Array.from({ length: 20 }, (_, index) => `order-${index}`)

beforeAll(() => installOwn(folder))

test('the applications and the types of wrapped Lambda handlers compile against the frameworks of today', async () => {
  expect(await compile(folder)).toBe('')
})

let room: Scratch
let receiver: Receiver
let app: Served | undefined
beforeEach(async () => {
  room = scratch()
  receiver = await startReceiver()
})
afterEach(async () => {
  app?.process.kill('SIGKILL')
  await app?.ended
  app = undefined
  await receiver.close()
  room.remove()
})

/** Sends what a service gets: orders with an ID, without, with a wrong one, one that fails, and many at once. */
async function exercise({ port }: Served) {
  const order = { amount: '129.90' }
  const given = await ask(port, '/orders/7', { headers: { 'x-correlation-id': 'order-4711' }, body: order })
  const made = await ask(port, '/orders/8', { body: order })
  const replaced = await ask(port, '/orders/9', {
    headers: { 'x-correlation-id': '<script>' },
    body: order,
  })
  const failed = await ask(port, '/orders/10', { headers: { 'x-correlation-id': 'order-0' }, body: {} })
  const lost = await ask(port, '/nowhere', { method: 'GET' })
  expect(lost.status).toBeGreaterThanOrEqual(400)
  expect(lost.id).toMatch(UUID)
  const several = await Promise.all(
    SEVERAL.map((id) => ask(port, '/orders/11', { headers: { 'x-correlation-id': id }, body: order })),
  )
  expect([given, made, replaced, failed, ...several].map(({ status }) => status)).toEqual([
    201,
    201,
    201,
    500,
    ...SEVERAL.map(() => 201),
  ])
  expect(given.id).toBe('order-4711')
  expect(made.id).toMatch(UUID)
  expect(replaced.id).toMatch(UUID)
  expect(failed.id).toBe('order-0')
  expect(several.map(({ id }) => id)).toEqual(SEVERAL)
  return { placed: [given, made, replaced, ...several], failed, lost }
}

const linesOf = (served: Served) =>
  served
    .stdout()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>)
const seenInside = ({ body }: Answer) => (JSON.parse(body) as { correlation?: string }).correlation
const ids = (answers: Answer[]) => answers.map(({ id }) => id).sort()

describe.each(['http', 'express', 'express4', 'fastify', 'fastify4', 'hono'])('%s', (name) => {
  const program = join(folder, 'apps', `${name}.mts`)

  test('with HTTP auto-instrumentation: one server span and one record a request, under the ID that is answered', async () => {
    app = await serve(['--import', built('sdk/dist/esm/register.js'), program], {
      OTEL_SERVICE_NAME: 'front',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      THROUGHLINE_SPOOL_DIR: join(room.dir, 'spool'),
    })
    const { placed, failed, lost } = await exercise(app)
    await app.stop()
    expect(placed.map(seenInside)).toEqual(placed.map(({ id }) => id))

    const servers = receiver.spans('@opentelemetry/instrumentation-http')
    expect(servers.map((one) => one.attributes['correlation.id']).sort()).toEqual(
      ids([...placed, failed, lost]),
    )
    const records = receiver.records()
    expect(records.map((one) => one.attributes['correlation.id']).sort()).toEqual(ids([...placed, failed]))
    for (const record of records) {
      const server = servers.find(({ spanId }) => spanId === record.parentSpanId)
      expect(server?.attributes['correlation.id']).toBe(record.attributes['correlation.id'])
      expect(server?.traceId).toBe(record.traceId)
    }
    expect(records.filter((one) => one.attributes.outcome === 'failure')).toMatchObject([
      { name: 'Orders.place', attributes: { 'correlation.id': 'order-0', 'error.type': 'RangeError' } },
    ])
  })

  test('without it: the same IDs inside, in the record and in the answer', async () => {
    app = await serve(['--import', join(folder, 'contexts.mjs'), program])
    const { placed, failed } = await exercise(app)
    await app.stop()
    expect(placed.map(seenInside)).toEqual(placed.map(({ id }) => id))
    const lines = linesOf(app)
    const operations = lines.filter((line) => line.operation === 'Orders.place')
    expect(operations.map(({ correlationId }) => correlationId).sort()).toEqual(ids([...placed, failed]))
    expect(lines.filter((line) => line.notice !== undefined)).toEqual([{ notice: 'correlation_id_replaced' }])
  })

  test('without an SDK the application serves as it did, and each answer has an ID', async () => {
    app = await serve([program])
    const { placed } = await exercise(app)
    await app.stop()
    expect(placed.map(seenInside)).toEqual(placed.map(() => undefined))
    expect([app.stdout(), app.stderr()].join('')).not.toContain('throughline')
  })
})

describe('further than the guide goes', () => {
  const order = { amount: '129.90' }
  const from = (id: string, more: Record<string, string> = {}) => ({ 'x-correlation-id': id, ...more })

  test('http: listeners of a request and of its answer run under its ID', async () => {
    app = await serve(['--import', join(folder, 'contexts.mjs'), join(folder, 'apps/http-events.mts')])
    const answer = await ask(app.port, '/orders/7', { headers: from('order-1'), body: order })
    await until('both operations ended', () => linesOf(app!).length === 2)
    expect(seenInside(answer)).toBe('order-1')
    expect(linesOf(app)).toEqual([
      { operation: 'Orders.place', correlationId: 'order-1', outcome: 'success' },
      { operation: 'Orders.answered', correlationId: 'order-1', outcome: 'success' },
    ])
  })

  test.each(['fastify', 'hono'])(
    '%s: a policy of trust and a user hold for all that runs below, whatever a hook did to the context',
    async (name) => {
      app = await serve([
        '--import',
        join(folder, 'contexts.mjs'),
        join(folder, 'apps', `${name}-options.mts`),
      ])
      const headers = from('order-1', { 'x-proof': 'yes', 'x-user': 'u-1' })
      const trusted = await ask(app.port, '/orders/7', { headers, body: order })
      const stranger = await ask(app.port, '/orders/7', { headers: from('order-2'), body: order })
      const built = await ask(app.port, '/built', { method: 'GET', headers })
      await app.stop()
      expect(trusted).toMatchObject({ status: 201, id: 'order-1' })
      expect(stranger).toMatchObject({ status: 201, id: expect.stringMatching(UUID) })
      expect(built).toMatchObject({ status: 302, id: 'order-1' })
      expect(linesOf(app)).toEqual([
        { operation: 'Orders.place', correlationId: 'order-1', userId: 'u-1', outcome: 'success' },
        { notice: 'correlation_id_untrusted' },
        { operation: 'Orders.place', correlationId: stranger.id, outcome: 'success' },
      ])
    },
  )
})
