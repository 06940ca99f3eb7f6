import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { expectedOf, type Journal } from './journal.js'

/** OTLP by hand, after docs/reference/record.md: batches that no SDK would send. */

type Value = { stringValue: string } | { intValue: string }
type Attribute = { key: string; value: Value }

export interface HandSpan {
  traceId: string
  spanId: string
  name: string
  kind: 1
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: Attribute[]
  status: { code: 1 | 2 }
}

const text = (key: string, value: string): Attribute => ({ key, value: { stringValue: value } })

/** The record of one operation of the journal: the same each time it is made. */
export function spanOf(journal: Journal, number: number, startMs: number): HandSpan {
  const correlationId = `${journal.prefix}${number}`
  const ids = createHash('sha256').update(correlationId).digest('hex')
  const { success, cents } = expectedOf(number)
  return {
    traceId: ids.slice(0, 32),
    spanId: ids.slice(32, 48),
    name: 'Hand.step',
    kind: 1,
    startTimeUnixNano: `${Math.floor(startMs)}000000`,
    endTimeUnixNano: `${Math.floor(startMs) + 3}000000`,
    attributes: [
      text('correlation.id', correlationId),
      ...(cents === 0
        ? []
        : [
            text(
              'throughline.business',
              JSON.stringify([
                {
                  name: 'business.faults.amount',
                  labels: { currency: 'USD' },
                  value: (cents / 100).toFixed(2),
                },
              ]),
            ),
          ]),
    ],
    status: { code: success ? 1 : 2 },
  }
}

export function bodyOf(spans: readonly HandSpan[], service = 'by-hand'): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: [text('service.name', service)] },
        scopeSpans: [{ scope: { name: 'throughline.operations' }, spans }],
      },
    ],
  })
}

export interface Answer {
  readonly status: number
  readonly body: string
}

/** One POST to `/v1/traces` of a port; status 0 when the connection broke. */
export function post(
  port: number,
  body: string | Buffer,
  headers: Record<string, string> = {},
  timeoutMs = 40_000,
): Promise<Answer> {
  return new Promise((resolve) => {
    const call = request({
      host: '127.0.0.1',
      port,
      path: '/v1/traces',
      method: 'POST',
      agent: false,
      timeout: timeoutMs,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve({ status: 0, body: '' }))
    call.on('response', (response) => {
      let answer = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        answer += piece
      })
      response.on('error', () => resolve({ status: 0, body: '' }))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: answer }))
    })
    call.end(body)
  })
}

/**
 * Sends until it is answered 200, as every sender shall: again after 503 and after a broken connection.
 * @throws for any other answer, which would make a sender drop the records.
 */
export async function deliver(port: number, body: string, token: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answer = await post(port, body, { authorization: `Bearer ${token}` })
    if (answer.status === 200) return
    if (answer.status !== 503 && answer.status !== 0)
      throw new Error(`records were answered ${answer.status}: ${answer.body.slice(0, 200)}`)
    await delay(100)
  }
  throw new Error('records were not taken in 100 attempts')
}
