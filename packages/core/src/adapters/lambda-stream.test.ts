import { Writable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { correlation, track } from '@throughline/core'
import { lambdaHandler, lambdaStreamHandler } from '@throughline/core/frameworks'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../testing/recording-runtime.js'

const invocation = { awsRequestId: 'request-1', getRemainingTimeInMillis: () => 30_000 }

/** What Lambda's runtime gives a handler that streams, with its head as one line before the body. */
class HttpResponseStream extends Writable {
  text = ''
  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    this.text += String(chunk)
    done()
  }
  static from(stream: Writable, metadata: unknown): Writable {
    stream.write(`${JSON.stringify(metadata)}\n`)
    return stream
  }
}

let runtime: RecordingRuntime
let disable: () => void
let flushed: { text: string; ended: number }[]
let stream: HttpResponseStream
beforeEach(() => {
  disable = enableContexts()
  stream = new HttpResponseStream()
  flushed = []
  runtime = installRecordingRuntime({
    async flush() {
      flushed.push({ text: stream.text, ended: runtime.ended.length })
      return true
    },
  })
  Object.assign(globalThis, { awslambda: { HttpResponseStream } })
})
afterEach(() => {
  Reflect.deleteProperty(globalThis, 'awslambda')
  runtime.uninstall()
  disable()
})

const head = (text: string) => JSON.parse(text.split('\n')[0] ?? '') as unknown

describe('a handler that streams its answer', () => {
  test('runs under the ID of the invocation, and the head of the answer has it', async () => {
    const handler = lambdaStreamHandler(
      track('Orders.list', async (_event: unknown, out: Writable) => {
        const answer = HttpResponseStream.from(out, {
          statusCode: 200,
          headers: { 'X-Correlation-Id': 'x', a: 'b' },
        })
        answer.end(correlation.id())
      }),
    )
    await handler({}, stream, invocation)
    expect(head(stream.text)).toEqual({
      statusCode: 200,
      headers: { a: 'b', 'x-correlation-id': 'request-1' },
    })
    expect(stream.text).toMatch(/\nrequest-1$/)
    expect(runtime.last()).toMatchObject({ correlationId: 'request-1' })
  })

  test('the head of any other stream is as it was given', async () => {
    const other = new HttpResponseStream()
    await lambdaStreamHandler(async (_event: unknown, out: Writable) => {
      HttpResponseStream.from(other, { statusCode: 204 })
      out.end()
    })({}, stream, invocation)
    expect(head(other.text)).toEqual({ statusCode: 204 })
  })

  test('what was recorded is flushed after the answer is out, also by what a pipe went on with', async () => {
    const later = track('Orders.later', async (out: Writable) => {
      await turn()
      out.end('later')
    })
    await lambdaStreamHandler((_event: unknown, out: Writable) => void later(out))({}, stream, invocation)
    expect(flushed).toEqual([{ text: 'later', ended: 1 }])
  })

  test('an answer that nobody ends is waited for no longer than the invocation lasts', async () => {
    const short = { ...invocation, getRemainingTimeInMillis: () => 120 }
    await lambdaStreamHandler(async () => {})({}, stream, short)
    expect(flushed).toHaveLength(1)
  })

  test('its error is the error, and what was recorded is flushed', async () => {
    const failing = track('Orders.list', async () => {
      throw new RangeError('no')
    })
    await expect(lambdaStreamHandler(failing)({}, stream, invocation)).rejects.toThrow(RangeError)
    expect(flushed).toHaveLength(1)
  })

  test('a stream that breaks is an error of its own as without us', async () => {
    const seen: unknown[] = []
    stream.on('error', (error) => seen.push(error))
    const broken = new Error('the client is gone')
    await lambdaStreamHandler((_event: unknown, out: Writable) => void out.destroy(broken))(
      {},
      stream,
      invocation,
    )
    await turn()
    expect(seen).toEqual([broken])
  })
})

test('a handler that bears the mark of streaming is refused where it stands, with the order that is right', () => {
  const marked = Object.assign(async () => {}, {
    [Symbol.for('aws.lambda.runtime.handler.streaming')]: 'response',
  })
  const order = /streamifyResponse\(lambdaStreamHandler\(handler\)\)/
  expect(() => lambdaHandler(marked)).toThrow(order)
  expect(() => lambdaStreamHandler(marked)).toThrow(order)
})
