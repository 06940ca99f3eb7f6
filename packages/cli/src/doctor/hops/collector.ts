import { ask, otherwise } from '../ask.js'
import { bytesText, freeBytes, leastFree } from '../disk.js'
import { collectorPage, type Examination, logOr, postOtlp } from '../examination.js'
import { failed, type Hop, type Outcome, ok, skipped, warning } from '../hop.js'
import { compareVersions } from '../versions.js'

const group = 'The Collector'
/** What the configurations in otel-collector/ are tested with. */
const tested = '0.155.0'
/** An empty request is a valid one: it goes in with its headers and leaves nothing behind. */
const nothing = new Uint8Array()
const nearFull = 0.8
const half = 0.5

export function collectorHops(examination: Examination): Hop[] {
  const { timeoutMs } = examination
  const deadlineMs = timeoutMs * 2 + 500
  return [
    { name: 'address', title: 'Exporter', group, deadlineMs, run: () => examineAddress(examination) },
    {
      name: 'collector',
      title: 'Collector',
      group,
      needs: ['address'],
      deadlineMs,
      run: () => examineCollector(examination),
    },
    {
      name: 'queues',
      title: 'Queues',
      group,
      needs: ['collector'],
      deadlineMs,
      run: () => examineQueues(examination),
    },
  ]
}

const mendAddress =
  'export OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4318 # the OTLP/HTTP receiver of your Collector'

async function examineAddress({ targets, timeoutMs }: Examination): Promise<Outcome> {
  if (targets.mode === 'direct')
    return skipped('direct mode: records go to the recorder, without a Collector')
  const urls = [...new Set([targets.tracesUrl, targets.metricsUrl].map(originOf))]
  for (const url of urls) {
    const answer = await ask(url, { timeoutMs })
    if (answer.silence !== undefined)
      return failed(
        `${url}: ${answer.silence}`,
        targets.stack === undefined
          ? `npx throughline dev # or: ${mendAddress}`
          : logOr(targets, 'collector', mendAddress),
      )
  }
  return ok(`${urls.join(' and ')} answers`)
}

async function examineCollector(examination: Examination): Promise<Outcome> {
  const { targets, timeoutMs, learned } = examination
  for (const [url, headers] of [
    [targets.tracesUrl, targets.tracesHeaders],
    [targets.metricsUrl, targets.metricsHeaders],
  ] as const) {
    const answer = await postOtlp(url, headers, nothing, { timeoutMs })
    const refusal = refusalOf(url, answer)
    if (refusal !== undefined) return refusal
  }
  const page = await collectorPage(examination)
  if (page === undefined) {
    const where = `its metrics page ${targets.collectorMetrics.url} does not answer`
    return targets.collectorMetrics.sure
      ? warning(`takes OTLP; ${where}`, 'throughline doctor --collector-metrics http://HOST:8888/metrics')
      : ok(`takes OTLP; its version is not known: ${where}`)
  }
  learned.page = page
  const { version } = page
  if (version === undefined) return ok('takes OTLP; it does not say its version')
  if (compareVersions(version, tested) < 0)
    return warning(
      `${version} takes OTLP; its configuration is tested with ${tested}`,
      `docker pull otel/opentelemetry-collector-contrib:${tested}`,
    )
  return ok(`${version} takes OTLP`)
}

/** Some other program at that address answers, too, but not so. */
function refusalOf(url: string, answer: Awaited<ReturnType<typeof postOtlp>>): Outcome | undefined {
  if (answer.silence !== undefined) return failed(`${url}: ${answer.silence}`, mendAddress)
  const { status, type } = answer
  if (status === 200 && (type === 'application/x-protobuf' || type === 'application/json')) return undefined
  if (status === 401 || status === 403)
    return failed(
      `${url} lets nobody in without a token (${status})`,
      "export OTEL_EXPORTER_OTLP_HEADERS='authorization=Bearer%20TOKEN'",
    )
  if (status === 503 || status === 429)
    return failed(
      `${url} takes nothing now (${status}): a queue or its memory is full`,
      'throughline doctor --json # hop queues says which',
    )
  return failed(`${url} is no OTLP receiver: ${otherwise(answer)}`, mendAddress)
}

/** Which variable makes the queue of an exporter larger. */
const sizes: Record<string, string> = {
  'otlp_http/records': 'THROUGHLINE_RECORDS_QUEUE_BYTES',
  'otlp_grpc/jaeger': 'THROUGHLINE_JAEGER_QUEUE_BYTES',
  'otlp_http/prometheus': 'THROUGHLINE_METRICS_QUEUE_POINTS',
  'otlp_http/cloudwatch': 'THROUGHLINE_METRICS_QUEUE_POINTS',
}

async function examineQueues(examination: Examination): Promise<Outcome> {
  const { learned, targets } = examination
  const free = await freeBytes(targets.collectorStorage)
  if (free !== undefined && free < leastFree)
    return failed(
      `${bytesText(free)} free at ${targets.collectorStorage}: soon they take nothing more`,
      'export THROUGHLINE_COLLECTOR_STORAGE=/var/lib/throughline/collector # of the Collector: a folder on a disk with room',
    )
  const room = free === undefined ? '' : `; ${bytesText(free)} free`
  const page = learned.page
  if (page === undefined) return skipped(`${targets.collectorMetrics.url} does not say`)
  const queues = [...page.exporters]
    .flatMap(([name, { queue }]) =>
      queue === undefined ? [] : [{ name, ...queue, share: queue.size / queue.capacity }],
    )
    .sort((a, b) => b.share - a.share)
  const fullest = queues[0]
  if (fullest === undefined) return ok(`none yet: nothing was sent since its start${room}`)
  const found = `${fullest.name} is ${Math.round(fullest.share * 100)} % full (${fullest.size} of ${fullest.capacity})`
  const variable = sizes[fullest.name]
  const mend =
    variable === undefined
      ? 'throughline lint-collector FILE … # bring its store back; sending_queue.queue_size is how much an outage may hold'
      : `export ${variable}=${fullest.capacity * 4} # of the Collector, for longer outages; first bring its store back`
  if (fullest.share >= nearFull) return failed(`${found}: soon it refuses`, mend)
  if (fullest.share >= half) return warning(found, mend)
  return ok(`${queues.length}, the fullest: ${found}${room}`)
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url
}
