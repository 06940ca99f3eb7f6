import {
  inSnapshot,
  readSlowerThan,
  readVersionErrors,
  readVersionSums,
  readVersionValues,
  type VersionSums,
} from '@throughline/postgres/reading'
import type { FastifyInstance } from 'fastify'
import { RecorderError } from '../errors.js'
import { errorFindings, failureFinding, latencyFinding, tailFinding, valueFinding } from './findings.js'
import type { ApiParts } from './parts.js'
import { addJsonRoute } from './route.js'
import { CompareAnswer, CompareQuery, type Finding } from './schemas/compare.js'
import { filterOf, shownFilter, windowOf } from './window.js'

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
        'From the rows, with counts and with how sure each difference is. Failures and durations that come in bursts count as one burst, by minutes. Two versions at two times also differ by their times: compare times of like load.',
      query: CompareQuery,
      answer: CompareAnswer,
    },
    async ({ query }) => answerOf(query as CompareQuery),
  )

  const answerOf = async (query: CompareQuery): Promise<CompareAnswer> => {
    const { confidence = 0.99, least = 0.05 } = query
    const window = windowOf(query, Date.now(), limits)
    const filter = { ...window, ...filterOf(query) }
    const judge = { confidence, least }
    const { old, now, findings, versions } = await inSnapshot(parts.reads, async (db) => {
      const versions = await readVersionSums(db, filter)
      const { old, now } = pairOf(versions, query)
      if (old === undefined || now === undefined) return { old, now, findings: [], versions }
      const pair = { ...filter, versions: [old.version, now.version] }
      const sides = [old, now] as const
      const errors = await readVersionErrors(db, pair)
      const slow = await readSlowerThan(db, { ...pair, ms: old.p95Ms })
      const values = await readVersionValues(db, pair)
      const countOf = (type: string | null, version: string | null): number =>
        errors.find((one) => one.type === type && one.version === version)?.count ?? 0
      const types = [...new Set(errors.map(({ type }) => type))].slice(0, maxTypes)
      const names = new Map(
        values.map(({ name, currency }) => [JSON.stringify([name, currency]), [name, currency] as const]),
      )
      const sumsOf = ([name, currency]: readonly [string, string | null], version: string | null) =>
        values.find((one) => one.name === name && one.currency === currency && one.version === version)
      const findings = [
        failureFinding(judge, old, now),
        latencyFinding(judge, old, now),
        tailFinding(judge, { old: slow.get(old.version) ?? 0, now: slow.get(now.version) ?? 0 }, sides),
        ...errorFindings(
          judge,
          types.map((type) => ({ type, old: countOf(type, old.version), now: countOf(type, now.version) })),
          sides,
        ),
        ...[...names.values()].map((key) =>
          valueFinding(judge, key, { old: sumsOf(key, old.version), now: sumsOf(key, now.version) }, sides),
        ),
      ]
      const errorsOf = ({ version }: VersionSums) =>
        errors.filter((one) => one.version === version).map(({ type, count }) => ({ type, count }))
      return {
        old: { ...old, errors: errorsOf(old) },
        now: { ...now, errors: errorsOf(now) },
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
      old: old === undefined ? null : sideOf(old),
      new: now === undefined ? null : sideOf(now),
      findings,
      verdict,
      text: textOf(verdict, findings, old, now, versions.length),
      truncated: false,
      cuts: [],
    }
  }
}

const maxTypes = 20

type Side = VersionSums & { errors?: { type: string | null; count: number }[] }

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

const sideOf = ({
  version,
  firstSeen,
  lastSeen,
  count,
  failures,
  errors = [],
  ...one
}: Side): CompareAnswer['old'] => ({
  version,
  firstSeen: firstSeen.toISOString(),
  lastSeen: lastSeen.toISOString(),
  count,
  failures,
  successRate: (count - failures) / count,
  averageMs: one.averageMs,
  p50Ms: one.p50Ms,
  p95Ms: one.p95Ms,
  p99Ms: one.p99Ms,
  errors,
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
  old: VersionSums | undefined,
  now: VersionSums | undefined,
  versions: number,
): string => {
  if (old === undefined || now === undefined)
    return `there are ${versions} versions in this window: two are needed`
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
