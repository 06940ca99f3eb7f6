import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CliError } from '../errors.js'
import { follow } from '../stack/follow.js'
import { openStack, type Stack } from '../stack/stack.js'
import { buildInBackground } from '../terminal/builds.js'
import { bold, dim, red, say, table } from '../terminal/print.js'
import { untilSignal } from '../terminal/signals.js'
import { probe } from './probe.js'

export const DEV_HELP = `throughline dev [--once] [--fresh] [--dir DIR] [--profile hybrid|prometheus|cloudwatch] [--model FILE]

Runs the whole pipeline on this machine, without Docker: Postgres, the recorder, the OpenTelemetry Collector, Jaeger, Prometheus and a
CloudWatch stand-in. Sends one operation through it, shows where it arrived, and prints a link that opens the console, signed in.

  --once     end when that is shown; exit 0 only if it arrived everywhere
  --fresh    begin with no data
  --dir      folder for data, queues and logs (default: .throughline)
  --profile  where metrics go (default: hybrid)
  --model    the value model of the recorder, a YAML file: docs/guides/value.md (default: none)`

/** The operation that is sent must be found under these names. */
const FOOTPRINT = { operation: 'probe', businessMetric: 'business.probes', rows: 1, spans: 1, services: 1 }

/** `throughline dev`. Resolves with the exit code when everything it started has ended. */
export async function dev(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      once: { type: 'boolean', default: false },
      fresh: { type: 'boolean', default: false },
      dir: { type: 'string', default: '.throughline' },
      profile: { type: 'string', default: 'hybrid' },
      model: { type: 'string' },
    },
  })
  const profile = profileOf(values.profile)
  const ended = new AbortController()
  const stack = await openStack({
    dir: resolve(values.dir),
    profile,
    fresh: values.fresh,
    ...(values.model === undefined ? {} : { valueModel: resolve(values.model) }),
    log: (line) => say(dim(line)),
  })
  untilSignal(() => {
    say('Stopping …')
    ended.abort()
  })
  try {
    const arrived = await run(stack, ended.signal, values.once)
    if (values.once) return arrived ? 0 : 1
    await aborted(ended.signal)
    return 0
  } catch (error) {
    // A stop in mid-work breaks whatever was awaited; that is no news.
    if (ended.signal.aborted) return 0
    throw error
  } finally {
    await stack.stop()
  }
}

async function run(stack: Stack, signal: AbortSignal, once: boolean): Promise<boolean> {
  const built = buildInBackground(signal)
  await stack.startPostgres()
  await stack.startRecorder()
  say(`Ready without the Collector: start your service with ${recorderVariables(stack)}`)
  try {
    await startRest(stack, built)
  } catch (error) {
    // Without Go the way from service to Postgres works all the same; what is left out and how to get it was said.
    if (once || !(error instanceof CliError) || !/^TL_(GO|BUILD)_/.test(error.code) || signal.aborted)
      throw error
    say(red(error.message))
    await usage(stack, false)
    return false
  }
  const correlationId = `probe-${Date.now().toString(36)}`
  await probe(stack, correlationId)
  const hops = await follow(stack, { ...FOOTPRINT, correlationId })
  table(
    `One operation, sent and followed: ${correlationId}`,
    hops.map(({ hop, ok, found }) => ({ label: hop, value: found, ok })),
  )
  for (const { hop } of hops.filter((one) => !one.ok)) say(red(`Does not hold: ${hop}`))
  if (!once) await usage(stack, true)
  return hops.every((hop) => hop.ok)
}

async function startRest(stack: Stack, built: ReturnType<typeof buildInBackground>): Promise<void> {
  await built.otelcol
  if (stack.profile !== 'prometheus') await stack.startCloudWatch()
  await stack.startCollector()
  await built.jaeger
  await stack.startJaeger()
  await built.prometheus
  if (stack.profile !== 'cloudwatch') await stack.startPrometheus()
}

async function usage(stack: Stack, whole: boolean): Promise<void> {
  say(bold('Your service'))
  say('  npm install @throughline/core @throughline/sdk @opentelemetry/api')
  const to = whole ? [`OTEL_EXPORTER_OTLP_ENDPOINT=${stack.otlpUrl}`] : []
  say(`  ${[...to, recorderVariables(stack)].join(' ')} \\`)
  say(`    OTEL_SERVICE_NAME=my-service node --import @throughline/sdk/register app.js`)
  say()
  const stores = [
    { label: 'Jaeger', value: `${stack.urls.jaeger}/api/traces/<trace_id>`, profile: true },
    {
      label: 'Prometheus',
      value: `${stack.urls.prometheus}/api/v1/query?query=up`,
      profile: stack.profile !== 'cloudwatch',
    },
    {
      label: 'CloudWatch stand-in',
      value: `${stack.urls.cloudwatch}/metrics.json`,
      profile: stack.profile !== 'prometheus',
    },
  ]
  table('Look around', [
    { label: 'Console, signed in', value: await stack.consoleLink() },
    ...(whole ? stores.filter((store) => store.profile) : []),
    {
      label: 'Postgres',
      value: `psql '${stack.databaseUrl}' -c 'select * from throughline.metrics limit 10'`,
    },
    { label: 'Logs and data', value: stack.dir },
  ])
  say('Running. Ctrl-C stops everything.')
}

/** For a shell, which reads the token from its file: a secret is not printed. */
function recorderVariables(stack: Stack): string {
  const file = join(stack.dir, 'ingest-token')
  return `THROUGHLINE_RECORDER_URL=${stack.recorderUrl} THROUGHLINE_RECORDER_TOKEN=$(cat '${file}')`
}

function profileOf(name: string): Stack['profile'] {
  if (name === 'hybrid' || name === 'prometheus' || name === 'cloudwatch') return name
  throw new CliError('TL_USAGE', `--profile is ${name}: hybrid, prometheus or cloudwatch is needed.`)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) =>
    signal.aborted ? done() : signal.addEventListener('abort', () => done(), { once: true }),
  )
}
