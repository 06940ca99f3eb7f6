import {
  inSnapshot,
  readVersionSums,
  readVersionValues,
  type VersionSums,
  type VersionValues,
} from '@throughline/postgres/reading'
import { boundAbove, type OperationFigures, readOperations } from '@throughline/postgres/rollups'
import type { FastifyInstance } from 'fastify'
import { RecorderError } from '../errors.js'
import { plural } from '../plural.js'
import {
  errorFindings,
  failureFinding,
  type Judge,
  latencyFinding,
  tailFinding,
  valueFinding,
} from './findings.js'
import type { ApiParts } from './parts.js'
import { addJsonRoute } from './route.js'
import { CompareAnswer, CompareQuery, type Finding } from './schemas/compare.js'
import { filterOf, shownFilter, type TimeWindow, windowOf } from './window.js'

const limits = { defaultHours: 24, maxHours: 744 }

/** `GET /metrics/compare`: did this deploy hurt? */
export const addCompareRoute = (api: FastifyInstance, parts: ApiParts): void => {
  addJsonRoute(
    api,
    parts,
    {
      url: '/metrics/compare',
      role: 'read',
      tag: 'metrics',
      summary: 'Two versions held against each other: failures, durations, business value per success',
      description:
        'From the sums, and from the rows where minutes are not summed up: the same counts as over the rows, with how sure each difference is. Failures and durations that come in bursts count as one burst, by minutes, in windows of more than 25 hours by five minutes. Two versions at two times also differ by their times: compare times of like load.',
      query: CompareQuery,
      answer: CompareAnswer,
    },
    async ({ query }) => answerOf(query as CompareQuery),
  )

  const answerOf = async (query: CompareQuery): Promise<CompareAnswer> => {
    const { confidence = 0.99, least = 0.05 } = query
    const window = wholeMinutes(windowOf(query, Date.now(), limits))
    const filter = { ...window, ...filterOf(query) }
    const { pair, findings, versions } = await inSnapshot(parts.reads, async (db) => {
      const versions = await readVersionSums(db, filter)
      const pair = pairOf(versions, query)
      if (pair.old === undefined || pair.now === undefined) return { pair: {}, findings: [], versions }
      const { figures } = await readOperations(db, { ...filter, by: ['version'], limit: 1_000 })
      const [old, now] = [figuresOf(figures, pair.old), figuresOf(figures, pair.now)]
      const both = { ...filter, versions: [pair.old.version, pair.now.version] }
      const values = await readVersionValues(db, both)
      const sides = [pair.old, pair.now] as const
      const findings = findingsOf({ confidence, least }, sides, [old, now], values)
      return {
        pair: { old: sideOf(pair.old, old), now: sideOf(pair.now, now) },
        findings,
        versions,
      }
    })
    const verdict = verdictOf(findings)
    return {
      window: { from: window.from.toISOString(), until: window.until.toISOString() },
      filter: shownFilter(filter),
      by: 'version',
      confidence,
      old: pair.old ?? null,
      new: pair.now ?? null,
      findings,
      verdict,
      text: textOf(verdict, findings, pair.old, pair.now, versions.length),
      truncated: false,
      cuts: [],
    }
  }
}

type Side = NonNullable<CompareAnswer['old']>

/** They are of the same rows: the window is of whole minutes, as that of the sums. */
const figuresOf = (figures: readonly OperationFigures[], { version }: VersionSums): OperationFigures => {
  const found = figures.find((one) => one.version === version)
  if (found === undefined) throw new Error(`version ${version} has sums of one kind and not of the other`)
  return found
}

const findingsOf = (
  judge: Judge,
  sides: readonly [VersionSums, VersionSums],
  [old, now]: readonly [OperationFigures, OperationFigures],
  values: readonly VersionValues[],
): Finding[] => {
  const countOf = ({ errors }: OperationFigures, type: string | null): number =>
    errors.find((one) => one.type === type)?.count ?? 0
  const types = [...new Set([...now.errors, ...old.errors].map(({ type }) => type))].slice(0, maxTypes)
  // The upper bound of its bucket: how many are slower than that is exact.
  const tail = boundAbove(old.p95Ms * 1000)
  const slow = ({ histogram, count }: OperationFigures) => ({ count: tail.countAbove(histogram), of: count })
  const names = new Map(
    values.map(({ name, currency }) => [JSON.stringify([name, currency]), [name, currency] as const]),
  )
  const valueOfSide = ([name, currency]: readonly [string, string | null], version: string | null) =>
    values.find((one) => one.name === name && one.currency === currency && one.version === version)
  return [
    failureFinding(judge, ...sides),
    latencyFinding(judge, ...sides),
    tailFinding(judge, tail.us / 1000, [slow(old), slow(now)]),
    ...errorFindings(
      judge,
      types.map((type) => ({ type, old: countOf(old, type), now: countOf(now, type) })),
      sides,
    ),
    ...[...names.values()].map((key) =>
      valueFinding(
        judge,
        key,
        { old: valueOfSide(key, sides[0].version), now: valueOfSide(key, sides[1].version) },
        sides,
      ),
    ),
  ]
}

const maxTypes = 20
const minuteMs = 60_000

const wholeMinutes = ({ from, until }: TimeWindow): TimeWindow => ({
  from: new Date(Math.floor(from.getTime() / minuteMs) * minuteMs),
  until: new Date(Math.ceil(until.getTime() / minuteMs) * minuteMs),
})

/** The two that are asked for, else the latest by its first operation and the one before it. */
const pairOf = (
  versions: readonly VersionSums[],
  asked: CompareQuery,
): { old?: VersionSums; now?: VersionSums } => {
  const named = (name: string, version: string): VersionSums => {
    const found = versions.find((one) => one.version === version)
    if (found !== undefined) return found
    throw new RecorderError('TL_PARAMETER', `${name}: version ${version} has no operation in this window`)
  }
  const now =
    asked.new === undefined ? versions.find((one) => one.version !== asked.old) : named('new', asked.new)
  if (now === undefined) return {}
  const old =
    asked.old === undefined
      ? versions.find((one) => one !== now && one.firstSeen <= now.firstSeen)
      : named('old', asked.old)
  return old === undefined || old === now ? { now } : { old, now }
}

const sideOf = (sums: VersionSums, figures: OperationFigures): Side => ({
  version: sums.version,
  firstSeen: sums.firstSeen.toISOString(),
  lastSeen: sums.lastSeen.toISOString(),
  count: sums.count,
  failures: sums.failures,
  successRate: (sums.count - sums.failures) / sums.count,
  averageMs: sums.averageMs,
  p50Ms: figures.p50Ms,
  p95Ms: figures.p95Ms,
  p99Ms: figures.p99Ms,
  errors: figures.errors,
})

const verdictOf = (findings: readonly Finding[]): CompareAnswer['verdict'] => {
  const verdicts = new Set(findings.map(({ verdict }) => verdict))
  if (verdicts.has('worse')) return 'worse'
  if (verdicts.size === 0 || verdicts.has('too few')) return 'too few'
  return verdicts.has('better') ? 'better' : 'noise'
}

const textOf = (
  verdict: CompareAnswer['verdict'],
  findings: readonly Finding[],
  old: Side | undefined,
  now: Side | undefined,
  versions: number,
): string => {
  if (old === undefined || now === undefined)
    return `${plural(versions, 'version')} in this window: two are needed`
  const which = findings.filter((one) => one.verdict === verdict).map(({ text }) => text)
  const pair = `${now.version ?? 'no version'} against ${old.version ?? 'no version'}`
  switch (verdict) {
    case 'noise':
      return `${pair}: no difference that is more than noise`
    case 'too few':
      return `${pair}: too few operations to say`
    default:
      return `${pair} is ${verdict}: ${which.join('; ')}`
  }
}
