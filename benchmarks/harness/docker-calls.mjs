// Calls with the bare client and with the instrumented one in turn, one at a time, each below a sampled span as in a job.
//   node docker-calls.mjs <socket> <calls> <image> → { operation: { bare, wrapped } }, median microseconds
import { createRequire } from 'node:module'
import { context, trace } from '@opentelemetry/api'
import { instrumentDocker } from '../../packages/instrumentation-docker/dist/esm/index.js'
import { otel } from '../cases/shared.mjs'
import { median } from './compare.mjs'
import { finish } from './load.mjs'

const Docker = createRequire(new URL('../../packages/instrumentation-docker/package.json', import.meta.url))(
  'dockerode',
)
const [socketPath, calls, image] = process.argv.slice(2)
otel()
const bare = new Docker({ socketPath })
const wrapped = new Docker({ socketPath })
instrumentDocker(wrapped, { stats: false, events: false })
const [{ Id: id }] = await bare.listContainers({ limit: 1 })

const operations = {
  ping: (docker) => docker.ping(),
  inspect: (docker) => docker.getContainer(id).inspect(),
  list: (docker) => docker.listContainers(),
  create: async (docker) => {
    const labels = { 'throughline.job.type': 'bench' }
    const container = await docker.createContainer({ Image: image, Cmd: ['true'], Labels: labels })
    await container.remove()
  },
}

async function timed(work, docker) {
  const began = performance.now()
  await work(docker)
  return (performance.now() - began) * 1_000
}

async function compare(work, count) {
  const times = { bare: [], wrapped: [] }
  for (let i = 0; i < count; i += 1) {
    // Who comes first changes: the second finds the engine's caches warm.
    const order = i % 2 === 0 ? ['bare', 'wrapped'] : ['wrapped', 'bare']
    for (const kind of order) times[kind].push(await timed(work, kind === 'bare' ? bare : wrapped))
  }
  return { bare: median(times.bare), wrapped: median(times.wrapped) }
}

/** A service runs for long: its code is compiled. */
const WARM_UP = 1_000

const span = trace.getTracer('bench').startSpan('job')
const result = await context.with(trace.setSpan(context.active(), span), async () => {
  const found = {}
  for (const name of ['ping', 'inspect', 'ping', 'inspect']) await compare(operations[name], WARM_UP)
  for (const [name, work] of Object.entries(operations)) {
    const count = name === 'create' ? Number(calls) / 4 : Number(calls)
    await compare(work, count / 8)
    found[name] = await compare(work, count)
  }
  return found
})
finish(result)
