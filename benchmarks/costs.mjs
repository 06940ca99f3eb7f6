// What an operation costs beside its CPU time: memory, start-up, a late event loop. Stated, not gated: they are figures of this machine.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median } from './harness/compare.mjs'
import { installPeers } from './harness/install-peers.mjs'
import { receivers } from './harness/receivers.mjs'

export const title = 'Memory, start-up, event loop'

const node = promisify(execFile)
const at = (path) => fileURLToPath(new URL(path, import.meta.url))
const RATE = 20_000

/** `args` are those of node; what the process prints last is `{ value }`, in `unit`. */
function measurements({ up, down, hanging }) {
  const memory = (name, calls, acknowledged) => [
    '--expose-gc',
    at('harness/memory.mjs'),
    at(`cases/${name}.mjs`),
    calls,
    acknowledged,
  ]
  const delay = (name) => [at('harness/delay.mjs'), at(`cases/${name}.mjs`), RATE, 6]
  const app = at('harness/app.mjs')
  const kept = { unit: 'bytes', ours: 'ours', theirs: 'hand-export' }
  const late = { unit: 'ms', ours: 'ours', theirs: 'hand-export', plain: 'plain', args: delay, times: 3 }
  const boot = { unit: 'ms', ours: 'register', plain: 'nothing', receiver: up, times: 11 }
  return [
    {
      ...kept,
      name: 'memory in use after garbage collection, of each of 200,000 finished and acknowledged operations',
      key: 'memory, acknowledged',
      receiver: up,
      args: (name) => memory(name, 200_000, 1),
    },
    {
      ...kept,
      name: 'the same of each of 20,000 finished operations while the receiver hangs; ours are in the spool on disk, theirs in a queue that holds them all',
      key: 'memory, receiver hangs',
      receiver: hanging,
      args: (name) => memory(name, 20_000, 0),
    },
    {
      ...boot,
      name: "process start to the application's first line: `@throughline/sdk/register`, against NodeSDK by hand with the same instrumentations (http, undici)",
      key: 'start-up',
      theirs: 'by hand',
      args: (name) =>
        ({
          nothing: [app],
          register: ['--import', '@throughline/sdk/register', app],
          'by hand': ['--import', at('peers/otel/by-hand.mjs'), app],
        })[name],
    },
    {
      ...boot,
      name: 'the same, against `@opentelemetry/auto-instrumentations-node/register` 0.82.0 as it comes (some forty instrumentations)',
      key: 'start-up',
      theirs: 'auto-instrumentations-node/register',
      cwd: at('peers/otel'),
      args: () => ['--import', '@opentelemetry/auto-instrumentations-node/register', app],
    },
    ...Object.entries({ up, down, hanging }).map(([state, receiver]) => ({
      ...late,
      name: `event-loop delay, p99 at 20,000 operations/s, receiver ${state}`,
      key: `event loop, receiver ${state}`,
      receiver,
    })),
  ]
}

export async function run({ processes = 5, onProgress }) {
  await installPeers('peers/otel')
  const targets = await receivers()
  const spool = mkdtempSync(join(tmpdir(), 'throughline-bench-'))
  const values = new Map()

  async function measure({ key, args, receiver, cwd = at('.') }, name) {
    onProgress(`${key}: ${name}`)
    const { stdout } = await node(process.execPath, args(name).map(String), {
      cwd,
      env: {
        PATH: process.env.PATH,
        BENCH_RECEIVER: receiver,
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver,
        THROUGHLINE_SPOOL_DIR: spool,
      },
    })
    return JSON.parse(stdout.trim().split('\n').at(-1)).value
  }

  try {
    for (const one of measurements(targets)) {
      const names = [one.plain, one.theirs, one.ours].filter((name) => name !== undefined)
      const fresh = names.filter((name) => !values.has(`${one.key}: ${name}`))
      for (const name of fresh) values.set(`${one.key}: ${name}`, { unit: one.unit, runs: [] })
      for (let i = 0; i < (one.times ?? processes); i += 1)
        for (const name of fresh) values.get(`${one.key}: ${name}`).runs.push(await measure(one, name))
    }
    const middle = (key, name) => median(values.get(`${key}: ${name}`).runs)
    const rows = measurements(targets).map(({ name, key, unit, ours, theirs }) => ({
      name,
      unit,
      ours: middle(key, ours),
      theirs: middle(key, theirs),
      // Of what is near nothing a ratio says nothing.
      ratio: Math.abs(middle(key, theirs)) < 1 ? undefined : middle(key, ours) / middle(key, theirs),
    }))
    const cases = [...values].map(([name, { unit, runs }]) => [
      name,
      { unit, value: median(runs), range: [Math.min(...runs), Math.max(...runs)] },
    ])
    return { rows, cases: Object.fromEntries(cases) }
  } finally {
    targets.close()
    rmSync(spool, { recursive: true, force: true })
  }
}
