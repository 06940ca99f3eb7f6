import { correlation, track } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Scratch, scratch } from '../testing/child.js'
import { type Receiver, startReceiver } from '../testing/receiver.js'
import type { FailureLogger } from './policies.js'
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

async function begin(logger: FailureLogger): Promise<void> {
  running = await start({
    serviceName: 'shop',
    endpoint: receiver.url,
    spoolDir: room.dir,
    log: (line) => notices.push(line),
    logger,
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
