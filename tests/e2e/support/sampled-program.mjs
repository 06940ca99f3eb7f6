import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { track } from '@throughline/core'

const { PORT, SUCCESSES, FAILURES, SLOW } = process.env

const quick = track('Sampled.quick', async () => 1)
const slow = track('Sampled.slow', () => pause(1_100))
const fails = track('Sampled.fails', async () => {
  throw new RangeError('on purpose')
})

await Promise.all(Array.from({ length: Number(SLOW) }, () => slow()))
for (let i = 0; i < Number(SUCCESSES); i += 1) await quick()
for (let i = 0; i < Number(FAILURES); i += 1) await fails().catch(() => {})

createServer((_, response) => response.end('done')).listen(Number(PORT), '127.0.0.1')
