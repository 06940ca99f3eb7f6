import { correlation, track } from '@throughline/core'
import type { FailureLogger } from '@throughline/core/runtime'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Scratch, scratch } from '../testing/child.js'
import { type Receiver, startReceiver } from '../testing/receiver.js'
import type { Throughline } from './run.js'
import { start } from './start.js'

let room: Scratch
let receiver: Receiver
let running: Throughline | undefined
let notices: string[]
beforeEach(async () => {
  room = scratch()
  receiver = await startReceiver()
  notices = []
})
afterEach(async () => {
  await running?.shutdown(2_000)
  await receiver.close()
  room.remove()
})

async function begin(logger: FailureLogger | undefined): Promise<void> {
  running = await start({
    serviceName: 'shop',
    endpoint: receiver.url,
    spoolDir: room.dir,
    log: (line) => notices.push(line),
    ...(logger === undefined ? {} : { logger }),
  })
}

const charge = track(
  'Billing.charge',
  async (amount: number) => {
    if (amount < 0) throw new RangeError('negative')
    return amount > 0
  },
  { success: (call) => call.result === true },
)

test('each failed call is one line, also one that failed in business terms alone; a success is none', async () => {
  const lines: [Record<string, unknown>, string][] = []
  await begin({ error: (fields, message) => void lines.push([fields, message]) })
  await correlation.run('order-1', async () => {
    await charge(1)
    await charge(-1).catch(() => {})
    await charge(0)
  })
  expect(lines.map(([, message]) => message)).toEqual([
    'Billing.charge failed: negative',
    'Billing.charge failed',
  ])
  expect(lines[0]?.[0]).toMatchObject({ correlation_id: 'order-1', error_type: 'RangeError' })
  expect(lines[1]?.[0]).not.toHaveProperty('error_type')
})

test('a logger that throws is counted; the call and its record are as they would be', async () => {
  await begin({
    error() {
      throw new Error('disk full')
    },
  })
  await expect(charge(-1)).rejects.toThrow('negative')
  await running?.flush()
  expect(receiver.records()).toHaveLength(1)
  expect(notices.join()).toContain('the logger threw: disk full')
})

describe('the logger of one tracked function', () => {
  const fails = () => Promise.reject(new RangeError('negative'))

  test("has its lines in place of the SDK's, under the IDs of the call; `false` leaves them out", async () => {
    const all: string[] = []
    const own: [Record<string, unknown>, string][] = []
    await begin({ error: (_fields, message) => void all.push(message) })
    const logger: FailureLogger = { error: (fields, message) => void own.push([fields, message]) }
    const refund = track('Billing.refund', fails, { logger })
    const probe = track('Billing.probe', fails, { logger: false })
    await correlation.run('order-1', async () => {
      for (const call of [refund, probe, () => charge(-1)]) await call().catch(() => {})
    })
    expect(all).toEqual(['Billing.charge failed: negative'])
    expect(own).toEqual([
      [
        expect.objectContaining({
          correlation_id: 'order-1',
          trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
          span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
          operation: 'Billing.refund',
          error_type: 'RangeError',
          error_message: 'negative',
          error_stack: expect.stringContaining('failure-line.test'),
        }),
        'Billing.refund failed: negative',
      ],
    ])
  })

  test('needs none of the SDK', async () => {
    const own: string[] = []
    await begin(undefined)
    const refund = track('Billing.refund', fails, {
      logger: { error: (_, message) => void own.push(message) },
    })
    await refund().catch(() => {})
    await charge(-1).catch(() => {})
    expect(own).toEqual(['Billing.refund failed: negative'])
  })
})
