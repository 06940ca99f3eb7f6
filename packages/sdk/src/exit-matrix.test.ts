import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Child, IMPORTS, runLines, type Scratch, scratch } from '../testing/child.js'
import { type Receiver, startReceiver } from '../testing/receiver.js'
import { until } from '../testing/until.js'

/*
 * Each way in which a process can end, against each state of the Collector. Whatever the two are: the process ends as it would have
 * without us (code or signal), in bounded time, and every operation that had ended is delivered, at the latest after the next start.
 */

const RECORDS = 10
const SHUTDOWN_MS = 500
/** Start and end of a process on a loaded machine; the shutdown's share of it is bounded by `shutdownTimeoutMs`. */
const LONGEST_MS = 15_000

interface Ending {
  readonly body: string
  readonly code?: number
  readonly signal?: NodeJS.Signals
  readonly stderr?: RegExp
  /** Whether the records go out before the end when the Collector takes them. */
  readonly delivers: boolean
}

const endings: Record<string, Ending> = {
  'by itself': { body: 'process.exitCode = 3', code: 3, delivers: true },
  'by itself, a promise still open': { body: 'void call.never()', code: 0, delivers: true },
  'by process.exit': { body: 'process.exit(5)', code: 5, delivers: false },
  'by an uncaught error': {
    body: `throw new Error('own crash')`,
    code: 1,
    stderr: /own crash/,
    delivers: false,
  },
  'by an unhandled rejection': {
    body: `setImmediate(() => Promise.reject(new Error('own rejection'))); await new Promise(() => setInterval(() => {}, 1_000))`,
    code: 1,
    stderr: /own rejection/,
    delivers: false,
  },
  'by SIGTERM': { body: waitFor('SIGTERM'), signal: 'SIGTERM', delivers: true },
  'by SIGINT': { body: waitFor('SIGINT'), signal: 'SIGINT', delivers: true },
  'after a shutdown that is awaited': {
    body: 'await sdk.shutdown(); process.exit(4)',
    code: 4,
    delivers: true,
  },
  'after a shutdown that nobody awaits': {
    body: 'void sdk.shutdown(); process.exit(6)',
    code: 6,
    delivers: false,
  },
}

const collectors = ['taking', 'refusing', 'hanging', 'answering 503'] as const
type Collector = (typeof collectors)[number]

function waitFor(signal: NodeJS.Signals): string {
  return `setInterval(() => {}, 1_000); process.kill(process.pid, '${signal}')`
}

interface Ended {
  readonly end: { code: number | null; signal: NodeJS.Signals | null }
  readonly ms: number
  readonly stderr: string
  /** Records of this case that had arrived when it ended. */
  readonly arrived: number
}

const cases = Object.keys(endings).flatMap((ending) =>
  collectors.map((collector) => [ending, collector] as const),
)
const keyOf = (ending: string, collector: Collector) =>
  `${Object.keys(endings).indexOf(ending)}-${collectors.indexOf(collector)}`

let room: Scratch
let taking: Receiver
let hanging: Receiver
let busy: Receiver
const results = new Map<string, Ended>()
const children = new Set<Child>()

/** How many different operations of this case were received. */
function count(key: string): number {
  const ids = taking.records().map((one) => String(one.attributes['correlation.id']))
  return new Set(ids.filter((id) => id.startsWith(`${key}:`))).size
}

async function run(ending: string, collector: Collector, urls: Record<Collector, string>): Promise<void> {
  const key = keyOf(ending, collector)
  const before = performance.now()
  const child = runLines(
    `${IMPORTS}
    const sdk = await start()
    const call = track('A.b', async () => 1)
    call.never = track('A.never', () => new Promise(() => {}))
    for (let i = 0; i < ${RECORDS}; i += 1) await correlation.run('${key}:' + i, call)
    ${endings[ending]?.body}`,
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: urls[collector],
      THROUGHLINE_SPOOL_DIR: `${room.dir}/${collector.replace(' ', '-')}`,
      THROUGHLINE_SHUTDOWN_TIMEOUT: String(SHUTDOWN_MS),
    },
  )
  children.add(child)
  const end = await child.ended
  results.set(key, { end, ms: performance.now() - before, stderr: child.stderr(), arrived: count(key) })
}

beforeAll(async () => {
  room = scratch()
  ;[taking, hanging, busy] = await Promise.all([startReceiver(), startReceiver(), startReceiver()])
  hanging.answer = () => 'hang'
  hanging.probeAnswer = 'hang'
  busy.answer = () => 503
  const urls: Record<Collector, string> = {
    taking: taking.url,
    hanging: hanging.url,
    'answering 503': busy.url,
    refusing: `http://127.0.0.1:${await closedPort()}`,
  }
  // Three at a time: the machine is shared.
  const queue = [...cases]
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await run(...next, urls)
  }
  await Promise.all([worker(), worker(), worker()])
}, 120_000)
afterAll(async () => {
  for (const child of children) child.process.kill('SIGKILL')
  await Promise.all([...children].map((one) => one.ended))
  await Promise.all([taking, hanging, busy].map((one) => one?.close()))
  room.remove()
})

describe.each(Object.keys(endings))('a process that ends %s', (ending) => {
  const { code = null, signal = null, stderr, delivers } = endings[ending]!

  test.each(collectors)('beside a Collector %s keeps its code and signal, in bounded time', (collector) => {
    const result = results.get(keyOf(ending, collector))
    expect(result?.end).toEqual({ code, signal })
    expect(result?.ms).toBeLessThan(LONGEST_MS)
    if (stderr !== undefined) expect(result?.stderr).toMatch(stderr)
    // Said once, however it ended.
    expect(result?.stderr.match(/^throughline: unknown_service; /gm)).toHaveLength(1)
  })

  if (delivers)
    test('has delivered everything at its end, when the Collector takes it', () => {
      expect(results.get(keyOf(ending, 'taking'))?.arrived).toBe(RECORDS)
    })
})

test('the next start delivers each operation of each of them', async () => {
  for (const collector of collectors) {
    const next = runLines(
      `${IMPORTS}
      const sdk = await start({ spoolDir: '${room.dir}/${collector.replace(' ', '-')}' })
      if (!await sdk.shutdown(20_000)) process.exit(1)`,
      { OTEL_EXPORTER_OTLP_ENDPOINT: taking.url },
    )
    children.add(next)
    expect(await next.ended).toEqual({ code: 0, signal: null })
  }
  await until('all delivered', () => cases.every((one) => count(keyOf(...one)) === RECORDS))
  // What is sent twice has one key, so that it is one row.
  const keys = new Map(
    taking.records().map((one) => [`${one.startTimeUnixNano}/${one.traceId}/${one.spanId}`, one]),
  )
  const ended = [...keys.values()].filter((one) => one.name === 'A.b')
  expect(ended).toHaveLength(cases.length * RECORDS)
  const left = [...keys.values()].filter((one) => one.name === 'A.never')
  expect(left.map((one) => one.attributes.outcome)).toEqual(collectors.map(() => 'abandoned'))
}, 60_000)

async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
