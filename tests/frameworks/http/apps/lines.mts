import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { correlation, track } from '@throughline/core'

/** The lines of an order, one by one: the operation lasts as long as they are read. */
export const lines = track('Orders.lines', (id: string) => Readable.from(linesOf(id)))

async function* linesOf(id: string) {
  for (const line of ['first', 'last']) {
    await pause(5)
    yield `${line} of ${id} under ${correlation.id()}\n`
  }
}
