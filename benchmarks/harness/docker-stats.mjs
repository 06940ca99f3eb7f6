// CPU time and memory of a process that does nothing but follow the containers of an engine.
//   node --expose-gc docker-stats.mjs <socket> <none | stats> <seconds> <concurrency> → { cpuPercent, calls, heapBytes, lateMs }
import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'
import { instrumentDocker } from '../../packages/instrumentation-docker/dist/esm/index.js'
import { otel } from '../cases/shared.mjs'
import { finish } from './load.mjs'

const Docker = createRequire(new URL('../../packages/instrumentation-docker/package.json', import.meta.url))(
  'dockerode',
)
const [socketPath, mode, seconds, concurrency] = process.argv.slice(2)
otel()
const docker = new Docker({ socketPath })
await docker.ping()

async function inUse() {
  for (let i = 0; i < 3; i += 1) {
    await pause(50)
    globalThis.gc()
  }
  return process.memoryUsage().heapUsed
}

const heapBefore = await inUse()
const { health } = instrumentDocker(docker, {
  events: mode === 'stats',
  stats: mode === 'stats' && { intervalMs: 10_000, concurrency: Number(concurrency) },
})
// The first round: connections are made, code is compiled.
await pause(12_000)
const callsBefore = health().stats.calls
const before = process.cpuUsage()
await pause(seconds * 1_000)
const { user, system } = process.cpuUsage(before)
const { calls, lateMs } = health().stats
finish({
  cpuPercent: (user + system) / 10_000 / seconds,
  calls: calls - callsBefore,
  lateMs,
  heapBytes: (await inUse()) - heapBefore,
})
