import { beforeAll, expect, test } from 'vitest'
import { runNode, type Scratch, scratch } from '../../packages/sdk/testing/child.js'
import { startReceiver } from '../../packages/sdk/testing/receiver.js'
import { installOwn } from '../support/npm.js'
import { folder } from './support/service.js'

let lines: string[]
let ids: { trace_id: string; span_id: string }

beforeAll(async () => {
  await installOwn(folder)
  const room: Scratch = scratch()
  const receiver = await startReceiver()
  const child = runNode([`${folder}/logs.mjs`], { ENDPOINT: receiver.url, SPOOL: `${room.dir}/spool` })
  const { code } = await child.ended
  await receiver.close()
  room.remove()
  expect(code, child.stderr()).toBe(0)
  lines = child.stdout().split('\n')
  const [, traceId, spanId] = lines.find((line) => line.startsWith('ids '))!.split(' ')
  ids = { trace_id: traceId!, span_id: spanId! }
})

const json = (msg: string): Record<string, unknown> =>
  lines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .find((line) => (line.msg ?? line.message) === msg) ?? {}

test.each(['pino', 'winston'])(
  '%s: a line has the ID, inside an operation its trace and span too, and elsewhere nothing',
  (logger) => {
    expect(json(`${logger} outside`)).toMatchObject({ correlation_id: 'order-1' })
    expect(json(`${logger} outside`)).not.toHaveProperty('trace_id')
    expect(json(`${logger} inside`)).toMatchObject({ correlation_id: 'order-1', ...ids })
    expect(json(`${logger} nowhere`)).toMatchObject({ level: expect.anything() })
    expect(json(`${logger} nowhere`)).not.toHaveProperty('correlation_id')
  },
)

test('a console: the same in front of the text', () => {
  expect(lines).toContain('correlation_id=order-1 console outside')
  expect(lines).toContain(
    `correlation_id=order-1 trace_id=${ids.trace_id} span_id=${ids.span_id} console inside`,
  )
  expect(lines).toContain('console nowhere')
})

test("OpenTelemetry's own log records: the ID as an attribute, trace and span as fields", () => {
  expect(json('otel outside')).toEqual({ msg: 'otel outside', attributes: { 'correlation.id': 'order-1' } })
  expect(json('otel inside')).toEqual({
    msg: 'otel inside',
    attributes: { 'correlation.id': 'order-1' },
    ...ids,
  })
  expect(json('otel nowhere')).toEqual({ msg: 'otel nowhere', attributes: {} })
})

test('a failed call is one line of the logger, with its IDs, error type, message and stack', () => {
  const failures = lines.filter((line) => line.includes('Orders.fail'))
  expect(failures).toHaveLength(1)
  expect(json('Orders.fail failed: out of stock')).toMatchObject({
    level: 50,
    correlation_id: 'order-2',
    trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
    operation: 'Orders.fail',
    user_id: 'ada',
    error_type: 'RangeError',
    error_message: 'out of stock',
    error_stack: expect.stringContaining('logs.mjs'),
  })
})
