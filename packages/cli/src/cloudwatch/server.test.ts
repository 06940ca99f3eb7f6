import { createHash, createHmac } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { encodeMetrics, encodeResource } from '@throughline/otlp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CloudWatch, demoCredentials, startCloudWatch } from './server.js'

const traceId = '5b8efff798038103d269b633813fc60c'
const spanId = 'eee19b7ec3c1b174'
const at = '1795305600000000000'

/** One business metric as OTLP JSON. */
const json = JSON.stringify({
  resourceMetrics: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'billing' } }] },
      scopeMetrics: [
        {
          scope: { name: 'throughline.business' },
          metrics: [
            {
              name: 'business.vehicle.allocated',
              unit: '{vehicle}',
              sum: {
                aggregationTemporality: 2,
                isMonotonic: true,
                dataPoints: [
                  {
                    startTimeUnixNano: at,
                    timeUnixNano: at,
                    asInt: '9007199254740993',
                    attributes: [{ key: 'site', value: { stringValue: 'cologne' } }],
                    exemplars: [
                      {
                        timeUnixNano: at,
                        asInt: '1',
                        traceId,
                        spanId,
                        filteredAttributes: [{ key: 'correlation.id', value: { stringValue: 'order-4711' } }],
                      },
                    ],
                  },
                ],
              },
            },
          ],
        },
      ],
    },
  ],
})

let cloudwatch: CloudWatch
beforeEach(async () => {
  cloudwatch = await startCloudWatch({ port: 0, maxPoints: 3, maxBodyBytes: 100_000 })
})
afterEach(() => cloudwatch.stop())

interface Send {
  type?: string
  encoding?: string
  secret?: string
  signed?: boolean
}

async function send(body: string | Uint8Array<ArrayBuffer>, options: Send = {}): Promise<Response> {
  const {
    type = 'application/json',
    encoding,
    secret = demoCredentials.secretAccessKey,
    signed = true,
  } = options
  const url = new URL('/v1/metrics', cloudwatch.url)
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const headers: Record<string, string> = { 'content-type': type, 'x-amz-date': date }
  if (encoding) headers['content-encoding'] = encoding
  if (signed) headers.authorization = sign(url.host, date, body, secret)
  return fetch(url, { method: 'POST', headers, body })
}

function sign(host: string, date: string, body: string | Uint8Array, secret: string): string {
  const sha = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')
  const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest()
  const scope = `${date.slice(0, 8)}/${demoCredentials.region}/monitoring/aws4_request`
  const canonical = `POST\n/v1/metrics\n\nhost:${host}\nx-amz-date:${date}\n\nhost;x-amz-date\n${sha(body)}`
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${secret}`)
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha(canonical)}`).toString('hex')
  return `AWS4-HMAC-SHA256 Credential=${demoCredentials.accessKeyId}/${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`
}

describe('a signed request', () => {
  it('in JSON is shown point by point, with its exemplar and every digit', async () => {
    const response = await send(json)
    expect([response.status, await response.json()]).toEqual([200, {}])
    const shown = await (await fetch(new URL('/metrics.json', cloudwatch.url))).json()
    expect(shown).toMatchObject({
      refused: 0,
      points: [
        {
          resource: { 'service.name': 'billing' },
          scope: 'throughline.business',
          name: 'business.vehicle.allocated',
          unit: '{vehicle}',
          kind: 'sum',
          labels: { site: 'cologne' },
          value: '9007199254740993',
          time: '2026-11-22T00:00:00.000Z',
          exemplars: [{ traceId, spanId, value: 1, labels: { 'correlation.id': 'order-4711' } }],
        },
      ],
    })
  })

  it('in gzipped protobuf as well, answered in protobuf', async () => {
    const histogram = {
      attributes: {},
      startTimeUnixNano: 1n,
      timeUnixNano: 2n,
      count: 3,
      sum: 1.5,
      bounds: [1],
      bucketCounts: [2, 1],
    }
    const bytes = encodeMetrics({
      resource: encodeResource({}),
      scope: { name: 'throughline.business' },
      metrics: [{ name: 'm', data: { kind: 'histogram', temporality: 'cumulative', points: [histogram] } }],
    })
    const response = await send(gzipSync(bytes), { type: 'application/x-protobuf', encoding: 'gzip' })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-protobuf'])
    expect(cloudwatch.points()).toMatchObject([{ name: 'm', kind: 'histogram', count: 3, sum: 1.5 }])
  })

  it('only the newest points are kept', async () => {
    for (let i = 0; i < 5; i++) await send(json)
    expect(cloudwatch.points()).toHaveLength(3)
  })
})

describe('a refused request stores nothing and is told why', () => {
  afterEach(() => expect(cloudwatch.points()).toEqual([]))

  it('not signed, or with another secret: 403, counted by reason', async () => {
    const unsigned = await send(json, { signed: false })
    const forged = await send(json, { secret: 'guess' })
    expect([unsigned.status, await unsigned.json()]).toMatchObject([
      403,
      { __type: 'MissingAuthenticationToken' },
    ])
    expect([forged.status, await forged.json()]).toMatchObject([403, { __type: 'SignatureDoesNotMatch' }])
    expect(cloudwatch.refused).toBe(2)
    const shown = await (await fetch(new URL('/metrics.json', cloudwatch.url))).json()
    expect(shown).toMatchObject({ refusals: { MissingAuthenticationToken: 1, SignatureDoesNotMatch: 1 } })
  })

  it.each([
    ['a body that is not OTLP', '{"resourceMetrics": 1}', {}, 400],
    ['a body that is no gzip', 'x', { encoding: 'gzip' }, 400],
    ['a body over the limit', 'x'.repeat(100_001), {}, 413],
    ['a body that inflates over the limit', gzipSync(Buffer.alloc(10_000_000)), { encoding: 'gzip' }, 413],
    ['another content type', json, { type: 'text/plain' }, 415],
    ['another encoding', json, { encoding: 'br' }, 415],
  ] satisfies [string, string | Uint8Array<ArrayBuffer>, Send, number][])(
    '%s',
    async (_what, body, options, status) => {
      const response = await send(body, options)
      expect(response.status).toBe(status)
      expect(await response.json()).toHaveProperty('message')
      expect((await fetch(new URL('/healthz', cloudwatch.url))).status).toBe(200)
    },
  )
})
