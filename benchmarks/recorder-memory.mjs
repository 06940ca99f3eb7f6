// A recorder that is offered three times what it can store, for a minute: what it cannot take it refuses (503), and its memory stays.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { withPostgres } from './harness/postgres.mjs'
import { startRecorder } from './harness/recorder-process.mjs'

export const title = 'Memory of a recorder that is offered too much'

const spans = 1_000
const budgetMiB = 300
const at = (path) => fileURLToPath(new URL(path, import.meta.url))

export async function run({ onProgress }) {
  const seconds = 60
  return withPostgres(async (url) => {
    const recorder = await startRecorder(url, {
      nodeOptions: ['--max-semi-space-size=8'],
      // That it is busy is what its log would say.
      stderr: 'ignore',
    })
    const sender = fork(at('harness/overload-process.mjs'), [recorder.url])
    await once(sender, 'message')
    const ask = async (what) => {
      sender.send(what)
      return (await once(sender, 'message'))[0]
    }
    try {
      onProgress('capacity')
      const alone = await ask({ seconds: seconds / 6, connections: 8 })
      const capacity = alone.taken / alone.seconds
      onProgress(`${seconds} s at three times the capacity`)
      const samples = []
      const sampling = setInterval(() => samples.push(residentMiB(recorder.pid)), 500)
      const offered = await ask({ seconds, perSecond: capacity * 3, connections: 300 })
      clearInterval(sampling)
      return report(capacity, offered, samples)
    } finally {
      sender.disconnect()
      await recorder.stop()
    }
  })
}

function report(capacity, { sent, taken, seconds }, samples) {
  const third = Math.floor(samples.length / 3)
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length
  const middle = mean(samples.slice(third, third * 2))
  const last = mean(samples.slice(third * 2))
  const peak = Math.max(...samples)
  const perSecond = (requests) => ({
    unit: 'records/s',
    value: requests * spans,
    range: [requests * spans, requests * spans],
  })
  return {
    rows: [
      {
        name: `largest resident memory, against the budget of ${budgetMiB} MiB`,
        unit: 'MiB',
        ours: peak,
        theirs: budgetMiB,
        ratio: peak / budgetMiB,
        target: 1,
        gate: 1,
      },
      {
        name: 'resident memory in the last third of the time, against the second',
        unit: 'MiB',
        ours: last,
        theirs: middle,
        ratio: last / middle,
        target: 1.1,
        gate: 1.1,
      },
    ],
    cases: {
      'stored when nothing is refused': perSecond(capacity),
      'offered then': perSecond(sent / seconds),
      'stored then': perSecond(taken / seconds),
      'resident memory': { unit: 'MiB', value: last, range: [Math.min(...samples), peak] },
    },
  }
}

function residentMiB(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1_024
}
