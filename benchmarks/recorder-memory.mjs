// A recorder that is offered three times what it can store, for a minute: what it cannot take it refuses (503), and its memory stays.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { withPostgres } from './harness/postgres.mjs'

export const title = 'Memory of a recorder that is offered too much'

const spans = 1_000
const budgetMiB = 300
const at = (path) => fileURLToPath(new URL(path, import.meta.url))

export async function run({ onProgress }) {
  const seconds = 60
  return withPostgres(async (url) => {
    const recorder = await startRecorder(url)
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

/** As the README starts it. */
async function startRecorder(url) {
  const child = spawn(
    process.execPath,
    ['--max-semi-space-size=8', at('../packages/recorder/dist/main.js')],
    {
      env: {
        PATH: process.env.PATH,
        THROUGHLINE_DATABASE_URL: url,
        THROUGHLINE_RECORDER_AUTH: 'off',
        THROUGHLINE_RECORDER_PORT: '0',
      },
      // That it is busy is what its log would say.
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  const { url: address, pid } = JSON.parse(line)
  while (!(await fetch(`${address}/healthz`)).ok) await new Promise((resolve) => setTimeout(resolve, 100))
  return {
    url: address,
    pid,
    async stop() {
      const ended = once(child, 'exit')
      child.kill()
      await ended
    },
  }
}
