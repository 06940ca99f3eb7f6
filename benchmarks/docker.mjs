// What the instrumentation of Docker costs: a wrapped call, and the figures of running containers. On a real engine, as root with dockerd
// installed; 1,000 containers do not fit beside it, and are played by a stand-in that answers with a recorded document.
import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startEngine } from '../tests/support/docker-engine.ts'
import { median } from './harness/compare.mjs'

const Docker = createRequire(new URL('../packages/instrumentation-docker/package.json', import.meta.url))(
  'dockerode',
)

export const title = 'Docker'

const execute = promisify(execFile)
const path = (name) => fileURLToPath(new URL(`harness/${name}.mjs`, import.meta.url))
/** Of a core, for the figures of 100 containers every 10 s. */
const CPU_BUDGET = 3

/**
 * The operations whose time a job is made of; a ping is the shortest call there is, and its ratio is stated. Where service and engine share
 * two cores with others, what is written down while the engine works is time that the engine waits for.
 */
const why =
  'on two cores that others use, too, up to 1.1: the engine waits for the core on which the last call is written down'
const operations = [
  { key: 'inspect', name: 'a wrapped `inspect`, against the bare call: time', target: 1.05, gate: 1.15, why },
  {
    key: 'list',
    name: 'a wrapped `listContainers` of 100, against the bare call: time',
    target: 1.05,
    gate: 1.15,
    why,
  },
  {
    key: 'create',
    name: 'wrapped `create` and `remove`, against the bare calls: time',
    target: 1.05,
    gate: 1.15,
    why,
  },
  { key: 'ping', name: 'a wrapped `ping`, the shortest call there is', target: undefined },
]

export async function run({ containers = 100, seconds = 60, calls = 600, processes = 3, onProgress }) {
  onProgress('starting an engine')
  const engine = await startEngine()
  try {
    const docker = new Docker(engine.connection)
    const { Version: version } = await docker.version()
    await startContainers(docker, engine.image, containers, onProgress)
    const rows = []
    const cases = {}
    const times = []
    for (let i = 0; i < processes; i += 1) {
      onProgress(`calls (${i + 1}/${processes})`)
      times.push(await child('docker-calls', [engine.connection.socketPath, String(calls), engine.image]))
    }
    for (const { key, name, target, gate, why } of operations) {
      const [ours, theirs] = ['wrapped', 'bare'].map((kind) => median(times.map((one) => one[key][kind])))
      rows.push({ name, ours, theirs, ratio: ours / theirs, target, gate, why, unit: 'µs' })
      cases[`${key} with the bare client`] = spread(
        times.map((one) => one[key].bare),
        'µs',
      )
    }

    const engineCpu = cpuOf(engine)
    const idle = await stats(engine.connection.socketPath, 'none', seconds, onProgress)
    const engineIdle = engineCpu()
    const on = await stats(engine.connection.socketPath, 'stats', seconds, onProgress)
    const engineOn = engineCpu()
    rows.push({
      name: `figures of ${containers} running containers every 10 s (engine ${version}), CPU of the service, against ${CPU_BUDGET} % of a core`,
      ours: on.cpuPercent - idle.cpuPercent,
      theirs: CPU_BUDGET,
      ratio: (on.cpuPercent - idle.cpuPercent) / CPU_BUDGET,
      target: 1,
      gate: 1,
      unit: '% of a core',
    })
    one(cases, `${containers} containers: calls of the engine`, on.calls / seconds, 'calls a second')
    one(
      cases,
      `${containers} containers: CPU of the engine for it`,
      (engineOn - engineIdle) / seconds / 10,
      '% of a core',
    )

    for (const concurrency of [32, 128]) {
      const name = `1,000 containers of a stand-in, ${concurrency} calls at once`
      onProgress(name)
      const played = await onStandIn(1_000, concurrency, seconds)
      one(cases, `${name}: CPU`, played.cpuPercent, '% of a core')
      one(cases, `${name}: a round over all of them`, 1_000 / (played.calls / seconds), 's')
      one(cases, `${name}: calls of the engine`, played.calls / seconds, 'calls a second')
      one(cases, `${name}: calls open at once, at the most`, played.mostOpen, 'calls')
      one(cases, `${name}: memory a container`, played.heapBytes / 1_000, 'bytes')
    }
    return { rows, cases }
  } finally {
    onProgress('stopping the engine')
    await engine.stop()
  }
}

async function startContainers(docker, image, count, onProgress) {
  let next = 0
  const slot = async () => {
    for (let i = next++; i < count; i = next++) {
      onProgress(`starting containers (${i} of ${count})`)
      const container = await docker.createContainer({
        Image: image,
        Cmd: ['sh', '-c', 'while :; do sleep 5; done'],
        Labels: { 'throughline.job.type': `type-${i % 10}` },
        HostConfig: { Memory: 16 << 20 },
      })
      await container.start()
    }
  }
  await Promise.all([slot(), slot(), slot(), slot()])
}

async function child(name, args) {
  const { stdout } = await execute(process.execPath, ['--expose-gc', path(name), ...args], {
    maxBuffer: 2 ** 24,
  })
  return JSON.parse(stdout.trim().split('\n').at(-1))
}

function stats(socketPath, mode, seconds, onProgress) {
  onProgress(`${mode === 'none' ? 'idle' : 'figures'} for ${seconds} s`)
  return child('docker-stats', [socketPath, mode, String(seconds), '32'])
}

/** Milliseconds of CPU that dockerd has used since. */
function cpuOf(engine) {
  const pid = readFileSync(join(engine.connection.socketPath, '../d.pid'), 'utf8').trim()
  const ticks = () => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  let before = ticks()
  return () => {
    const used = (ticks() - before) * 10
    before = ticks()
    return used
  }
}

async function onStandIn(containers, concurrency, seconds) {
  const socketPath = join(tmpdir(), `tl-stand-in-${process.pid}.sock`)
  const standIn = fork(path('docker-stand-in'), [socketPath, String(containers)])
  try {
    await once(standIn, 'message')
    const result = await child('docker-stats', [socketPath, 'stats', String(seconds), String(concurrency)])
    standIn.send('counts')
    const [{ mostOpen }] = await once(standIn, 'message')
    return { ...result, mostOpen }
  } finally {
    standIn.kill()
    rmSync(socketPath, { force: true })
  }
}

const spread = (values, unit) => ({
  unit,
  value: median(values),
  range: [Math.min(...values), Math.max(...values)],
})

function one(cases, name, value, unit) {
  cases[name] = { unit, value, range: [value, value] }
}
