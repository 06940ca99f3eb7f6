import { track } from '@throughline/core'
import { slot } from '@throughline/core/runtime'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Scratch, scratch } from '../testing/child.js'
import { type Receiver, startReceiver } from '../testing/receiver.js'
import { start } from './start.js'

let room: Scratch
let receiver: Receiver
beforeEach(async () => {
  room = scratch()
  receiver = await startReceiver()
})
afterEach(async () => {
  await receiver.close()
  room.remove()
})

test('an SDK that came after the first tracked call says so once, by the name of that call', async () => {
  delete slot.early
  const charge = track('Billing.charge', () => 1)
  charge()
  track('Other.call', () => 1)()
  for (const expected of [[expect.stringContaining('Billing.charge was called before the SDK')], []]) {
    const lines: string[] = []
    const sdk = await start({
      serviceName: 'shop',
      endpoint: receiver.url,
      spoolDir: room.dir,
      log: (line) => lines.push(line),
    })
    charge()
    await sdk.shutdown(2_000)
    // Between two starts nobody is late: the first one was in time for it, or has been told.
    charge()
    expect(lines.filter((line) => line.includes('loaded_too_early'))).toEqual(expected)
  }
  expect(receiver.records().map(({ name }) => name)).toEqual(['Billing.charge', 'Billing.charge'])
})
