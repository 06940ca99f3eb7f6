import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { CliError, openStack, type Stack } from '@throughline/cli'
import { buildInBackground, dim, red, say, untilSignal } from '@throughline/cli/terminal'
import { resetExample } from '../database.js'
import { countRows } from './counts.js'
import { followAllocation } from './follow.js'
import { consoleUrl, embeddedTable, fullTable, urls } from './report.js'
import { startServices, stopServices } from './services.js'
import { allocateOnce, drive, emptyJournal, trickle } from './traffic.js'

/*
 * npm start [-- --once] [-- --fresh]
 *
 * embedded   Postgres, the recorder and the two services in direct mode: traffic, a small table. Meanwhile the Collector, Jaeger and Prometheus
 *            are built, the first time.
 * joined     Each part starts when its binary is there. With the Collector the services start again, now sending to it; its queues hold
 *            what Jaeger and Prometheus do not take yet.
 * shown      All parts are there: more traffic, one correlation ID followed through every store, the full table. `--once` ends here.
 * up         The console is open at the printed address until Ctrl-C. Without Go it is as well, in direct mode, which has said what is left out.
 */
const { values: options } = parseArgs({ options: { once: { type: 'boolean' }, fresh: { type: 'boolean' } } })
const began = Date.now()
const run = `demo-${began.toString(36)}`
const ended = new AbortController()

let stack: Stack | undefined
untilSignal(() => void stop(0, 'Stopping …'))
try {
  say('Starting Postgres, the recorder and the example …')
  stack = await openStack({
    dir: resolve('.throughline'),
    fresh: options.fresh ?? false,
    valueModel: fileURLToPath(new URL('../../value.yaml', import.meta.url)),
    log: (line) => say(dim(line)),
  })
  await demonstrate(stack)
} catch (error) {
  // A stop in mid-work breaks whatever was awaited; that is no news.
  if (!ended.signal.aborted) {
    say(red(error instanceof Error ? error.message : String(error)))
    if (options.once || !(error instanceof CliError) || !/^TL_(GO|BUILD)_/.test(error.code)) await stop(1)
    else await stayInDirectMode()
  }
}

async function stayInDirectMode(): Promise<void> {
  if (stack !== undefined) {
    await consoleUrl(stack).catch((error: unknown) => say(red(String(error))))
    void trickle(`http://127.0.0.1:${stack.ports.allocation}`, `${run}-live`, ended.signal)
  }
  say('Going on in direct mode: Postgres, the recorder and the services. Ctrl-C stops everything.')
}

async function demonstrate(stack: Stack): Promise<void> {
  const journal = emptyJournal()
  const traffic = (count: number, step: string) =>
    drive({ url: services.url, count, prefix: `${run}-${step}`, journal, signal: ended.signal })
  await stack.startPostgres()
  await resetExample(stack.databaseUrl)
  await stack.startRecorder()
  let services = await startServices(stack, 'direct')
  const built = buildInBackground(ended.signal)
  await traffic(100, 'embedded')
  await embeddedTable(stack, services, journal, began)

  await built.otelcol
  await stack.startCloudWatch()
  await stack.startCollector()
  await stopServices(services)
  services = await startServices(stack, 'collector')
  await traffic(50, 'collector')
  await built.jaeger
  await stack.startJaeger()
  await built.prometheus
  await stack.startPrometheus()
  await traffic(250, 'full')

  const followed = await allocateOnce(services.url, `${run}-followed`, Math.floor(began / 60_000) % 1_000)
  journal.answered.push(followed)
  const hops = await followAllocation(stack, followed.correlationId, followed.answeredId)
  const complete = await fullTable(hops, journal, () => countRows(stack.databaseUrl, journal), began)
  if (options.once) return stop(complete ? 0 : 1)
  urls(stack, services)
  await consoleUrl(stack)
  void trickle(services.url, `${run}-live`, ended.signal)
  say('Running. Ctrl-C stops everything.')
}

async function stop(code: number, why?: string): Promise<void> {
  if (ended.signal.aborted) return
  ended.abort()
  if (why !== undefined) say(why)
  await stack?.stop()
  process.exitCode = code
}
