// How long after its end an operation is a row that others see: service, Collector, recorder and Postgres as processes of their own, all
// up, at 5,000 operations a second. Every fiftieth operation is asked for by its correlation ID until it is there.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePorts, openStack } from '@throughline/cli'
import pg from 'pg'

export const title = 'From the end of an operation to its row'

const perSecond = 5_000
const goalMs = 500
const drainMs = 30_000

export async function run({ seconds = 60, onProgress }) {
  const dir = await mkdtemp(join(tmpdir(), 'throughline-bench-'))
  const stack = await openStack({ dir, ports: await freePorts(), log: onProgress })
  const reader = { client: undefined }
  try {
    await stack.startPostgres()
    await stack.startRecorder()
    await stack.startCloudWatch()
    await stack.startJaeger()
    await stack.startPrometheus()
    await stack.startCollector()
    reader.client = new pg.Client({ connectionString: stack.databaseUrl })
    await reader.client.connect()
    const service = fork(fileURLToPath(new URL('harness/visible-service.mjs', import.meta.url)), [
      stack.otlpUrl,
      stack.recorderUrl,
      stack.tokens.ingest,
      join(dir, 'spool'),
    ])
    await once(service, 'message')
    // The first seconds warm every process on the way.
    await delays(service, reader.client, 10)
    onProgress(`${seconds} s at ${perSecond} operations/s`)
    const measured = await delays(service, reader.client, seconds)
    service.disconnect()
    await once(service, 'exit')
    return report(measured)
  } finally {
    await reader.client?.end()
    await stack.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

/** Throws when an operation is not there half a minute after the last one ended. */
async function delays(service, client, seconds) {
  const open = new Map()
  const seen = []
  let end
  const listen = (message) => {
    if (message.id === undefined) end = { ...message, at: performance.now() }
    else open.set(message.id, message.at)
  }
  service.on('message', listen)
  service.send({ perSecond, seconds })
  while (end === undefined || open.size > 0) {
    if (end !== undefined && performance.now() - end.at > drainMs)
      throw new Error(`${open.size} operations are not visible ${drainMs / 1_000} s after the last one ended`)
    const { rows } = await client.query({
      name: 'visible',
      text: 'SELECT correlation_id AS id FROM throughline.operations WHERE correlation_id = ANY($1)',
      values: [[...open.keys()]],
    })
    const now = performance.timeOrigin + performance.now()
    for (const { id } of rows) {
      seen.push(now - open.get(id))
      open.delete(id)
    }
    await pause(5)
  }
  service.off('message', listen)
  return { ...end, ms: seen.sort((a, b) => a - b) }
}

function report({ ms, perSecond: reached }) {
  const quantile = (q) => ms[Math.min(ms.length - 1, Math.floor(ms.length * q))]
  const range = [ms[0], ms[ms.length - 1]]
  return {
    rows: [
      {
        name: `p99 with all parts up, at ${perSecond} operations/s, against the goal`,
        unit: 'ms',
        ours: quantile(0.99),
        theirs: goalMs,
        ratio: quantile(0.99) / goalMs,
      },
    ],
    cases: {
      'p50 of the delay': { unit: 'ms', value: quantile(0.5), range },
      'p99 of the delay': { unit: 'ms', value: quantile(0.99), range },
      'operations a second': { unit: 'operations/s', value: reached, range: [reached, reached] },
    },
  }
}
