import { ask, jsonOf, otherwise } from '../ask.js'
import { collectorPage, type Examination, logOr } from '../examination.js'
import { failed, type Hop, type Outcome, ok, skipped, warning } from '../hop.js'
import { versionOf } from '../versions.js'

const group = 'The stores'

/** Jaeger, Prometheus and CloudWatch, each asked where somebody, or the recorder, knows that it is. */
export function storeHops(examination: Examination): Hop[] {
  const deadlineMs = examination.timeoutMs * 2 + 500
  // The recorder may know where they are; the Collector's page, which stores there are.
  const after = ['token', 'collector'] as const
  return [
    { name: 'jaeger', title: 'Jaeger', group, after, deadlineMs, run: () => examineJaeger(examination) },
    {
      name: 'prometheus',
      title: 'Prometheus',
      group,
      after,
      deadlineMs,
      run: () => examinePrometheus(examination),
    },
    {
      name: 'cloudwatch',
      title: 'CloudWatch',
      group,
      after,
      deadlineMs,
      run: () => examineCloudWatch(examination),
    },
  ]
}

export function jaegerUrl({ targets, learned }: Examination): string | undefined {
  return targets.jaeger ?? learned.session?.jaegerUrl ?? undefined
}

export function prometheusUrl({ targets, learned }: Examination): string | undefined {
  if (targets.profile === 'cloudwatch') return undefined
  return targets.prometheus ?? learned.session?.prometheusUrl ?? undefined
}

/** Whether the Collector sends metrics there: by the profile of the stack, else by what it says itself, else by who was named. */
export function sendsTo(store: 'prometheus' | 'cloudwatch', { targets, learned }: Examination): boolean {
  if (targets.mode === 'direct') return false
  if (targets.profile !== undefined) return targets.profile === 'hybrid' || targets.profile === store
  const exporters = [...(learned.page?.exporters.keys() ?? [])].filter((name) =>
    /prometheus|cloudwatch|emf/.test(name),
  )
  if (exporters.length > 0)
    return exporters.some((name) =>
      store === 'prometheus' ? name.includes(store) : /cloudwatch|emf/.test(name),
    )
  return targets[store] !== undefined
}

async function examineJaeger(examination: Examination): Promise<Outcome> {
  const { targets, timeoutMs } = examination
  const url = jaegerUrl(examination)
  if (targets.mode === 'direct') return skipped('direct mode: spans go nowhere but into rows')
  if (url === undefined) return skipped('nobody says where it is: --jaeger http://HOST:16686')
  const answer = await ask(`${url}/api/services`, { timeoutMs })
  const mend = 'throughline doctor --jaeger http://HOST:16686 # the address of its API'
  if (answer.silence !== undefined) return failed(`${url}: ${answer.silence}`, logOr(targets, 'jaeger', mend))
  if (answer.status !== 200 || jsonOf(answer) === undefined)
    return failed(`${url} is no Jaeger: /api/services ${otherwise(answer)}`, mend)
  return ok(`${url} answers`)
}

async function examinePrometheus(examination: Examination): Promise<Outcome> {
  const { targets, timeoutMs } = examination
  const url = prometheusUrl(examination)
  if (targets.mode === 'direct') return skipped('direct mode: metrics stand on the page of the service')
  if (!sendsTo('prometheus', examination)) return skipped('the Collector sends nothing there')
  if (url === undefined) return skipped('nobody says where it is: --prometheus http://HOST:9090')
  const mend = 'throughline doctor --prometheus http://HOST:9090 # its address, with its prefix'
  const answer = await ask(`${url}/api/v1/status/buildinfo`, { timeoutMs })
  if (answer.silence !== undefined)
    return failed(`${url}: ${answer.silence}`, logOr(targets, 'prometheus', mend))
  const info = jsonOf(answer)?.data as { version?: unknown } | undefined
  if (answer.status !== 200 || typeof info?.version !== 'string')
    return failed(`${url} is no Prometheus: /api/v1/status/buildinfo ${otherwise(answer)}`, mend)
  const receiver = await ask(`${url}/api/v1/otlp/v1/metrics`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: new Uint8Array(),
    timeoutMs,
  })
  if (receiver.silence === undefined && receiver.status === 404)
    return failed(
      `${url} takes no OTLP: what the Collector sends is refused for good`,
      'prometheus --web.enable-otlp-receiver --enable-feature=exemplar-storage',
    )
  const major = versionOf(info.version)?.[0]
  if (major !== undefined && major < 3)
    return warning(
      `${info.version} answers at ${url}; it is tested with 3`,
      'docker pull prom/prometheus:v3.5.0',
    )
  return ok(`${url} answers${info.version === '' ? '' : `, ${info.version}`}`)
}

async function examineCloudWatch(examination: Examination): Promise<Outcome> {
  const { targets, timeoutMs, learned } = examination
  const url = targets.cloudwatch
  if (!sendsTo('cloudwatch', examination)) return skipped('the Collector sends nothing there')
  if (url === undefined || /\.amazonaws\.com(?:\.cn)?(?:\/|$|:)/.test(url)) {
    learned.readsCloudwatch = false
    return ok('in AWS: only the Collector has its credentials, so what the Collector says of it counts')
  }
  const answer = await ask(`${url}/metrics.json`, { timeoutMs })
  if (answer.silence !== undefined)
    return failed(
      `${url}: ${answer.silence}`,
      logOr(
        targets,
        'collector',
        'export THROUGHLINE_CLOUDWATCH_URL=https://monitoring.REGION.amazonaws.com',
      ),
    )
  const held = jsonOf(answer) as { refused?: unknown } | undefined
  if (typeof held?.refused !== 'number') {
    learned.readsCloudwatch = false
    return ok(`${url} answers; what the Collector says of it counts`)
  }
  learned.readsCloudwatch = true
  learned.cloudwatch = { refused: held.refused }
  return ok(`the stand-in at ${url} answers`)
}

/** How the exporter to a store has fared, over all that have its name in theirs. */
export async function exporterCounts(
  examination: Examination,
  pattern: RegExp,
): Promise<{ sent: number; failed: number } | undefined> {
  const page = await collectorPage(examination)
  return page && countsIn(page, pattern)
}

export function countsIn(
  page: { exporters: ReadonlyMap<string, { sent: number; failed: number }> },
  pattern: RegExp,
): { sent: number; failed: number } {
  const counts = [...page.exporters].filter(([name]) => pattern.test(name)).map(([, one]) => one)
  return {
    sent: counts.reduce((total, { sent }) => total + sent, 0),
    failed: counts.reduce((total, { failed: gaveUp }) => total + gaveUp, 0),
  }
}
