import { findFrozen, listFrozen } from '@throughline/postgres/value'
import type { FastifyInstance } from 'fastify'
import { RecorderError } from '../errors.js'
import { businessReport } from '../value/business.js'
import { conflictsOf } from '../value/conflicts.js'
import { compareFrozen } from '../value/freeze.js'
import type { ValueModel } from '../value/model.js'
import { periodOf } from '../value/period.js'
import { valueReport } from '../value/report.js'
import { createCoalesce } from './coalesce.js'
import type { ApiParts } from './parts.js'
import { addJsonRoute } from './route.js'
import {
  BusinessAnswer,
  FrozenListAnswer,
  PeriodQuery,
  TrendAnswer,
  TrendQuery,
  UpdateBusinessAnswer,
  ValueAnswer,
} from './schemas/value.js'
import { sharedReport } from './shared-report.js'

const noModel = { 404: 'The recorder was given no value model' }
/** A month that is over changes by late rows and a new model only. */
const pastMonth = { ttlMs: 60_000, maxRunning: 50, maxKept: 100 }
const maxLabelSets = 1_000

/** `GET /metrics/business`, `/metrics/value` and its frozen reports, `POST /metrics/update-business`. */
export const addValueRoutes = (api: FastifyInstance, parts: ApiParts): void => {
  const { reads } = parts
  const modelOf = (): ValueModel => {
    if (parts.model !== undefined) return parts.model
    throw new RecorderError(
      'TL_VALUE_NO_MODEL',
      'the recorder was given no value model: set THROUGHLINE_RECORDER_VALUE_MODEL to a YAML file',
    )
  }

  addJsonRoute(
    api,
    parts,
    {
      url: '/metrics/business',
      role: 'read',
      tag: 'value',
      summary: 'The business values of a period and the figures that the value model gives names to',
      query: PeriodQuery,
      answer: BusinessAnswer,
    },
    async ({ query }): Promise<BusinessAnswer> => {
      const asked = query as PeriodQuery
      const made = parts.model && sharedReport(parts, parts.model, asked.period)
      const report = await businessReport(reads, parts.model, {
        ...asked,
        limit: maxLabelSets,
        ...(made === undefined ? {} : { report: made }),
      })
      const cuts = report.truncated ? [`values: only ${maxLabelSets} sets of labels`] : []
      return { ...report, cuts }
    },
  )

  addJsonRoute(
    api,
    parts,
    {
      url: '/metrics/value',
      role: 'read',
      tag: 'value',
      summary: 'What the operations of a period are worth: each figure with formula, inputs, rows and SQL',
      query: PeriodQuery,
      answer: ValueAnswer,
      refusals: noModel,
    },
    async ({ query }): Promise<ValueAnswer> => {
      const model = modelOf()
      const asked = query as PeriodQuery
      const conflicts = conflictsOf(model).map(({ source, message }) => ({ source, message }))
      const { name } = periodOf(asked.period)
      const compared =
        (await findFrozen(reads, model.name, name)) === null ? null : await compareFrozen(reads, model, asked)
      if (compared === null)
        return {
          report: await sharedReport(parts, model, asked.period),
          conflicts,
          frozen: null,
          differences: [],
        }
      const { modelText: _, frozenAt, ...frozen } = compared.frozen
      return {
        report: compared.now,
        conflicts,
        frozen: { ...frozen, frozenAt: frozenAt.toISOString() },
        differences: compared.differences,
      }
    },
  )

  addJsonRoute(
    api,
    parts,
    {
      url: '/metrics/value/frozen',
      role: 'read',
      tag: 'value',
      summary: 'The frozen reports, the latest period first',
      answer: FrozenListAnswer,
      refusals: noModel,
    },
    async (): Promise<FrozenListAnswer> => ({
      reports: (await listFrozen(reads, modelOf().name)).map((one) => ({
        ...one,
        frozenAt: one.frozenAt.toISOString(),
      })),
    }),
  )

  const months = createCoalesce(pastMonth)
  const monthOf = async (model: ValueModel, period: string): Promise<TrendAnswer['months'][number]> => {
    const report = await valueReport(reads, model, { period })
    return {
      period,
      complete: report.period.complete,
      figures: Object.fromEntries(report.figures.map(({ name, value }) => [name, value])),
    }
  }
  addJsonRoute(
    api,
    parts,
    {
      url: '/metrics/value/trend',
      role: 'read',
      tag: 'value',
      summary: 'The figures of the last months',
      query: TrendQuery,
      answer: TrendAnswer,
      refusals: noModel,
    },
    async ({ query }): Promise<TrendAnswer> => {
      const model = modelOf()
      const shown: TrendAnswer['months'] = []
      for (const period of lastMonths((query as TrendQuery).months ?? 12, new Date()))
        shown.push(
          periodOf(period).complete
            ? await months(period, () => monthOf(model, period))
            : await monthOf(model, period),
        )
      return { model: model.name, currency: model.currency, months: shown }
    },
  )

  addJsonRoute(
    api,
    parts,
    {
      method: 'POST',
      url: '/metrics/update-business',
      role: 'admin',
      tag: 'value',
      summary: 'Makes the report of this month and publishes its gauges now',
      answer: UpdateBusinessAnswer,
      refusals: { ...noModel, 502: 'The place that the gauges go to did not take them' },
    },
    async (): Promise<UpdateBusinessAnswer> => {
      const model = modelOf()
      const publisher = parts.publisher()
      const { report, gauges } =
        publisher === undefined
          ? { report: await valueReport(reads, model), gauges: 0 }
          : await publisher.publish().catch((error: unknown) => {
              throw publishFault(error)
            })
      return {
        period: report.period,
        gauges,
        figures: Object.fromEntries(report.figures.map(({ name, value }) => [name, value])),
        madeAt: report.madeAt,
      }
    },
  )
}

/** What Postgres says stays what it is: it has a code, what the other side answered has none. */
const publishFault = (error: unknown): unknown =>
  error instanceof Error && !('code' in error)
    ? new RecorderError('TL_PUBLISH_FAILED', `the gauges were not taken: ${error.message}`)
    : error

/** `2026-11` and those before it, ascending. */
const lastMonths = (count: number, now: Date): string[] =>
  Array.from({ length: count }, (_, back) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - (count - 1 - back)))
      .toISOString()
      .slice(0, 7),
  )
