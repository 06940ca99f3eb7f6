import { ask, jsonOf } from '../ask.js'
import { type Examination, poll, sinceSent } from '../examination.js'
import { failed, type Hop, type HopName, notReached, type Outcome, ok, skipped, stopsAt } from '../hop.js'
import { prometheusSamples } from '../prometheus-samples.js'
import { metricNames } from '../synthetic.js'
import { countsIn, exporterCounts, prometheusUrl, sendsTo } from './stores.js'

const group = 'One operation and its measurements'
const lint = 'throughline lint-collector FILE … # the files that your Collector was started with'
const signatureTitle = 'Signature (SigV4)'
/** So long a refusal of somebody else's metrics is not taken for one of ours. */
const patienceMs = 1_500
const cloudWatchExporter = /cloudwatch|emf/

type Kind = keyof typeof metricNames
type Fate = { fate: 'arrived'; found: string } | { fate: 'refused'; why: string } | { fate: 'nowhere' }

/** The two measurements in the stores that their scopes lead to, and the signature without which CloudWatch takes nothing. */
export function measurementHops(examination: Examination): Hop[] {
  const deadlineMs = examination.waitMs + examination.timeoutMs * 2
  const fates = new Map<Kind, Promise<Fate>>()
  // The signature and the measurements behind it are known by the same look.
  const fateOf = (kind: Kind, signal: AbortSignal): Promise<Fate> => {
    const known = fates.get(kind) ?? follow(examination, kind, signal)
    fates.set(kind, known)
    return known
  }
  const measurement = (name: HopName, title: string, kind: Kind): Hop => ({
    name,
    title,
    group,
    needs: ['operation'],
    after: ['prometheus', 'cloudwatch'],
    deadlineMs,
    async run(signal, before) {
      const place = placeOf(kind, examination)
      if (place === undefined) return skipped('the Collector sends metrics to no store that is known here')
      return (
        stopsAt(before(place)) ?? examineMeasurement(examination, place, kind, await fateOf(kind, signal))
      )
    },
  })
  return [
    {
      name: 'signature',
      title: signatureTitle,
      group,
      needs: ['operation', 'cloudwatch'],
      deadlineMs,
      run: async (signal) => examineSignature(await fateOf('business', signal)),
    },
    measurement('metric', 'Operational metric', 'operational'),
    measurement('business', 'Business metric', 'business'),
  ]
}

/** Business metrics go to CloudWatch, all others to Prometheus, as far as there are both. */
function placeOf(kind: Kind, examination: Examination): 'prometheus' | 'cloudwatch' | undefined {
  const [first, second] =
    kind === 'business' ? (['cloudwatch', 'prometheus'] as const) : (['prometheus', 'cloudwatch'] as const)
  return sendsTo(first, examination) ? first : sendsTo(second, examination) ? second : undefined
}

function examineSignature(found: Fate): Outcome {
  if (found.fate !== 'refused') return ok('CloudWatch refused none')
  return failed(
    `refused: ${found.why}. Of what is refused so the Collector gives up each request`,
    'aws sts get-caller-identity # in the surroundings of the Collector; sigv4auth needs service: monitoring and its region',
  )
}

function examineMeasurement(
  { waitMs }: Examination,
  place: 'prometheus' | 'cloudwatch',
  kind: Kind,
  found: Fate,
): Outcome {
  const store = place === 'prometheus' ? 'Prometheus' : 'CloudWatch'
  if (found.fate === 'arrived') return ok(found.found)
  if (found.fate === 'refused') return notReached(`needs ${signatureTitle}`)
  const scope = kind === 'business' ? 'throughline.business' : 'throughline.operations'
  return failed(
    `not in ${store} within ${waitMs / 1_000} s: where does the Collector send scope ${scope}?`,
    lint,
  )
}

async function follow(examination: Examination, kind: Kind, signal: AbortSignal): Promise<Fate> {
  const look =
    placeOf(kind, examination) === 'prometheus'
      ? () => inPrometheus(examination, kind)
      : examination.learned.readsCloudwatch === true
        ? () => inStandIn(examination, kind)
        : () => inWordsOfCollector(examination)
  return (await poll(look, { waitMs: examination.waitMs, signal })) ?? { fate: 'nowhere' }
}

async function inPrometheus(examination: Examination, kind: Kind): Promise<Fate | undefined> {
  const url = prometheusUrl(examination)
  if (url === undefined) return undefined
  const values = await prometheusSamples(url, metricNames[kind], examination.timeoutMs)
  if (!values.includes(examination.synthetic.value)) return undefined
  return { fate: 'arrived', found: `in Prometheus after ${sinceSent(examination)}` }
}

interface StandIn {
  refused: number
  refusals: Record<string, number>
  points: { name: string; value?: number | string }[]
}

async function inStandIn(examination: Examination, kind: Kind): Promise<Fate | undefined> {
  const { targets, timeoutMs, synthetic, learned } = examination
  const held = jsonOf(await ask(`${targets.cloudwatch}/metrics.json`, { timeoutMs })) as
    | Partial<StandIn>
    | undefined
  const { points = [], refused = 0, refusals = {} } = held ?? {}
  if (points.some(({ name, value }) => name === metricNames[kind] && Number(value) === synthetic.value))
    return { fate: 'arrived', found: `in the stand-in for CloudWatch after ${sinceSent(examination)}` }
  if (refused > (learned.cloudwatch?.refused ?? 0) && isPatient(examination))
    return { fate: 'refused', why: Object.keys(refusals).join(', ') }
  return undefined
}

/** Of the Collector's own counts: whether it was this point that went through, they do not say. */
async function inWordsOfCollector(examination: Examination): Promise<Fate | undefined> {
  const { learned } = examination
  const now = await exporterCounts(examination, cloudWatchExporter)
  if (now === undefined) return undefined
  const before =
    learned.page === undefined ? { sent: 0, failed: 0 } : countsIn(learned.page, cloudWatchExporter)
  if (now.failed > before.failed) return { fate: 'refused', why: 'the Collector has given up metrics since' }
  if (now.sent <= before.sent) return undefined
  return {
    fate: 'arrived',
    found: `handed on by the Collector after ${sinceSent(examination)}; nobody looked in AWS`,
  }
}

function isPatient({ learned }: Examination): boolean {
  return performance.now() - (learned.sentAt ?? 0) >= patienceMs
}
