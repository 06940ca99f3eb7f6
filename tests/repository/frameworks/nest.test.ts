import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { transformFile } from '@swc/core'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { built, type Scratch, scratch } from '../../../packages/sdk/testing/child.js'
import { type Receiver, startReceiver } from '../../../packages/sdk/testing/receiver.js'
import { type Answer, ask, type Served, serve } from '../../frameworks/support/serve.js'
import { installOwn } from '../../support/npm.js'
import { root } from '../workspace.js'
import { compile } from './compile.js'

const folder = join(root, 'tests/frameworks/nest')

beforeAll(() => installOwn(folder))

const compilers = {
  async tsc(out: string) {
    expect(await compile(folder, '--outDir', out)).toBe('')
  },
  async swc(out: string) {
    mkdirSync(out, { recursive: true })
    for (const file of readdirSync(join(folder, 'src'))) {
      const { code } = await transformFile(join(folder, 'src', file), {
        swcrc: false,
        module: { type: 'commonjs' },
        jsc: {
          target: 'es2022',
          keepClassNames: true,
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
      })
      writeFileSync(join(out, file.replace(/ts$/, 'js')), code)
    }
  },
}

describe.each(Object.keys(compilers) as (keyof typeof compilers)[])(
  'a NestJS application of %s',
  (compiler) => {
    let room: Scratch
    let receiver: Receiver
    let app: Served | undefined
    beforeEach(async () => {
      room = scratch()
      receiver = await startReceiver()
      const out = join(folder, 'dist', compiler)
      await compilers[compiler](out)
      app = await serve(['--import', built('sdk/dist/esm/register.js'), join(out, 'main.js')], {
        OTEL_SERVICE_NAME: 'shop',
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        THROUGHLINE_SPOOL_DIR: join(room.dir, 'spool'),
      })
    })
    afterEach(async () => {
      app?.process.kill('SIGKILL')
      await app?.ended
      await receiver.close()
      room.remove()
    })

    const body = (answer: Answer) => JSON.parse(answer.body) as Record<string, unknown>

    test('routes, parameters, pipes, guards, headers and status codes are the same above and below the decorators of Nest, and each request has its spans, records and ID', async () => {
      const { port, stop } = app!
      const get = (path: string, id: string) =>
        ask(port, path, { method: 'GET', headers: { 'x-correlation-id': id, 'user-agent': 'tests' } })
      const post = (place: string, id: string, headers: Record<string, string>) =>
        ask(port, `/orders/${place}?dry=yes`, {
          headers: { 'x-correlation-id': id, ...headers },
          body: { amount: '129.90' },
        })

      for (const place of ['above', 'below']) {
        const found = await get(`/orders/${place}/7`, `found-${place}`)
        expect(found).toMatchObject({ status: 200, id: `found-${place}`, headers: { 'x-kind': 'order' } })
        expect(body(found)).toEqual({
          id: 7,
          amount: '7.00',
          correlation: `found-${place}`,
          agent: 'tests',
          handler: place,
          parameters: 2,
        })
        const missing = await get(`/orders/${place}/100`, `missing-${place}`)
        expect(missing).toMatchObject({ status: 404, id: `missing-${place}` })
        expect(body(missing)).toMatchObject({ message: 'no order 100' })

        const placed = await post(place, `placed-${place}`, { 'x-role': 'clerk', 'x-user': 'u-1' })
        expect(placed).toMatchObject({ status: 202, id: `placed-${place}` })
        expect(body(placed)).toMatchObject({
          order: { amount: '129.90' },
          user: 'u-1',
          query: { dry: 'yes' },
        })
        const refused = await post(place, `refused-${place}`, { 'x-role': 'guest', 'x-user': 'u-2' })
        expect(refused).toMatchObject({ status: 403, id: `refused-${place}` })
      }
      const stock = await get('/stock/7', 'stock')
      expect(stock).toMatchObject({ status: 200, id: 'stock' })
      expect(body(stock)).toEqual({ id: 7, handler: 'one', parameters: 1 })
      expect(await get('/stock/health', 'health')).toMatchObject({ status: 200, id: 'health' })
      await stop()

      const records = receiver.records()
      const told = records.map(({ name, attributes }) => [
        attributes['correlation.id'],
        name,
        attributes.outcome,
        attributes['error.type'] ?? attributes['user.id'] ?? attributes['metadata.amount'],
      ])
      const expected = ['above', 'below'].flatMap((place) => {
        const placing = place === 'above' ? 'placeAbove' : 'placeBelow'
        return [
          [`found-${place}`, 'OrdersService.find', 'success', '7.00'],
          [`found-${place}`, `OrdersController.${place}`, 'success', undefined],
          [`missing-${place}`, 'OrdersService.find', 'failure', 'NotFoundException'],
          [`missing-${place}`, `OrdersController.${place}`, 'failure', 'NotFoundException'],
          [`placed-${place}`, `OrdersController.${placing}`, 'success', 'u-1'],
        ]
      })
      expect(told).toEqual([...expected, ['stock', 'StockController.one', 'success', undefined]])
      const placed = records.find(({ name }) => name === 'OrdersController.placeBelow')
      expect(placed?.attributes).toMatchObject({ 'metadata.0.amount': '129.90', 'metadata.2.dry': 'yes' })

      const servers = receiver.spans('@opentelemetry/instrumentation-http')
      expect(servers).toHaveLength(10)
      for (const { name, parentSpanId, traceId, attributes } of records) {
        const parent = [...servers, ...records].find(({ spanId }) => spanId === parentSpanId)
        expect(parent?.traceId, name).toBe(traceId)
        expect(parent?.attributes['correlation.id'], name).toBe(attributes['correlation.id'])
      }
    })
  },
)
