import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Child, IMPORTS, runLines, type Scratch, scratch } from '../testing/child.js'
import { type Receiver, startReceiver } from '../testing/receiver.js'
import { until } from '../testing/until.js'

let room: Scratch
let receiver: Receiver
let child: Child | undefined
beforeEach(async () => {
  room = scratch()
  receiver = await startReceiver()
})
afterEach(async () => {
  child?.process.kill('SIGKILL')
  await child?.ended
  await receiver.close()
  room.remove()
})

/** Runs 20 calls at once, and writes the ID of each into a journal once it has completed. */
const traffic = (round: number, journal: string) => `${IMPORTS}
  import { openSync } from 'node:fs'
  await start()
  const journal = openSync(${JSON.stringify(journal)}, 'a')
  const call = track('A.b', async () => { await new Promise((resolve) => setTimeout(resolve, 1)) })
  let next = 0
  async function work() {
    for (;;) {
      const id = 'r${round}-' + (next += 1)
      await correlation.run(id, call)
      writeSync(journal, id + '\\n')
    }
  }
  for (let i = 0; i < 20; i += 1) void work()
`

test('kill -9 in mid-traffic, again and again: every completed call arrives after the next start', async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, THROUGHLINE_SPOOL_DIR: join(room.dir, 'spool') }
  const completed: string[] = []
  for (let round = 0; round < 4; round += 1) {
    // One round with a receiver that takes nothing, so that a whole segment is left behind.
    receiver.answer = () => (round === 1 ? 503 : 200)
    const journal = join(room.dir, `journal-${round}`)
    writeFileSync(journal, '')
    const killed = runLines(traffic(round, journal), env)
    child = killed
    await until('traffic', () => statSync(journal).size > 20_000)
    killed.process.kill('SIGKILL')
    await killed.ended
    completed.push(...readFileSync(journal, 'utf8').trimEnd().split('\n'))
  }
  receiver.answer = () => 200
  child = runLines(`${IMPORTS}\nawait (await start()).shutdown(20_000)`, env)
  expect(await child.ended).toEqual({ code: 0, signal: null })

  const arrived = receiver.records()
  const ids = new Set(arrived.map((one) => one.attributes['correlation.id']))
  expect(completed.length).toBeGreaterThan(4_000)
  expect(completed.filter((id) => !ids.has(id))).toEqual([])
  const keys = new Set(arrived.map((one) => `${one.startTimeUnixNano}/${one.traceId}/${one.spanId}`))
  // What is sent twice has the same key, so that it is one row.
  expect(keys.size).toBe(ids.size)
})
