import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CliError, openStack, type Stack } from '@throughline/cli'
import { buildInBackground, dim, red, say, untilSignal } from '@throughline/cli/terminal'
import { importBusybox, Missing } from './busybox.js'
import { type LocalEngine, localEngine } from './local-engine.js'
import { addresses, figuresTable } from './report.js'
import { slowEngine } from './slow-engine.js'
import { startRunner } from './start-runner.js'
import { runStory } from './story.js'

/*
 * npm start -- jobs [--once] [--fresh] [--jobs 50]
 *
 * engine    Without a Docker engine that answers, and something to put into containers, it says what is missing: exit code 1.
 * stack     Postgres, the recorder; then the Collector, Jaeger and Prometheus, built the first time. Without Go it goes on in direct mode.
 * story     50 jobs, two slots, an engine that is slow to create: where did the time go? `--once` ends here.
 * up        The runner and the console until Ctrl-C.
 */
const { values: options } = parseArgs({
  options: {
    once: { type: 'boolean' },
    fresh: { type: 'boolean' },
    jobs: { type: 'string', default: '50' },
  },
})
const ended = new AbortController()
/** What creating a container takes longer than it does by itself. */
const SLOW_MS = 400
/** So many that each way to fail is among them, and that each is done in time. */
const COUNT = Math.min(Math.max(Number.parseInt(options.jobs, 10) || 50, 13), 200)

let stack: Stack | undefined
let closeSlow: (() => Promise<void>) | undefined
untilSignal(() => void stop(0, 'Stopping …'))
try {
  const engine = await localEngine()
  await importBusybox(engine.docker)
  say('Starting Postgres and the recorder …')
  stack = await openStack({
    dir: resolve('.throughline'),
    fresh: options.fresh ?? false,
    log: (line) => say(dim(line)),
  })
  await demonstrate(stack, engine)
} catch (error) {
  // A stop in mid-work breaks whatever was awaited; that is no news.
  if (!ended.signal.aborted) {
    say(
      error instanceof Missing ? error.message : red(error instanceof Error ? error.message : String(error)),
    )
    await stop(1)
  }
}

async function demonstrate(stack: Stack, engine: LocalEngine): Promise<void> {
  await stack.startPostgres()
  await stack.startRecorder()
  const route = await startCollecting(stack)
  const slow = await slowEngine({
    engine: engine.connection,
    socketPath: join(stack.dir, 'slow-engine.sock'),
    delayMs: SLOW_MS,
  })
  closeSlow = slow.close
  const runner = await startRunner(stack, {
    route,
    dockerHost: slow.host,
    env: { SLOTS: '2', KEEP_CONTAINERS: 'true', STATE_INTERVAL_MS: '2000', STATS_INTERVAL_MS: '1000' },
  })
  say(`${COUNT} jobs, two slots, an engine that takes ${SLOW_MS} ms longer to create a container …`)
  const story = await runStory(stack, runner, engine.docker, COUNT, ended.signal)
  const complete = figuresTable(story)
  if (options.once) return stop(complete ? 0 : 1)
  await addresses(stack, runner, route)
  say('Running. Ctrl-C stops everything.')
}

/** Everything else, as far as it can be had here. */
async function startCollecting(stack: Stack): Promise<'collector' | 'direct'> {
  const built = buildInBackground(ended.signal)
  try {
    await Promise.all([built.otelcol, built.jaeger, built.prometheus])
  } catch (error) {
    if (options.once || !(error instanceof CliError) || !/^TL_(GO|BUILD)_/.test(error.code)) throw error
    say(red(error.message))
    say('Going on in direct mode: Postgres, the recorder and the runner.')
    return 'direct'
  }
  await Promise.all([stack.startCloudWatch(), stack.startJaeger(), stack.startPrometheus()])
  await stack.startCollector()
  return 'collector'
}

async function stop(code: number, why?: string): Promise<void> {
  if (ended.signal.aborted) return
  ended.abort()
  if (why !== undefined) say(why)
  await stack?.stop()
  await closeSlow?.()
  process.exitCode = code
}
