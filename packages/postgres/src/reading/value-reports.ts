import { sqlStateOf } from '../errors.js'
import type { Queryable } from '../rollups/window.js'

/** A report as it was frozen. `report` is the JSON that was given. */
export type FrozenReport = {
  id: string
  revision: number
  frozenAt: Date
  frozenBy: string
  model: string
  period: string
  modelSha256: string
  modelText: string
  report: unknown
}

const columns = `id, revision, frozen_at AS "frozenAt", frozen_by AS "frozenBy", model, period,
  model_sha256 AS "modelSha256", model_text AS "modelText", report`

/** The last revision, or null. */
export const findFrozen = async (
  db: Queryable,
  model: string,
  period: string,
): Promise<FrozenReport | null> => {
  const { rows } = await db.query<FrozenReport>(
    `SELECT ${columns} FROM throughline.value_reports WHERE model = $1 AND period = $2 ORDER BY revision DESC LIMIT 1`,
    [model, period],
  )
  return rows[0] ?? null
}

/** All revisions of a model's reports, the latest period first, without the reports themselves. */
export const listFrozen = async (
  db: Queryable,
  model: string,
): Promise<Omit<FrozenReport, 'report' | 'modelText'>[]> => {
  const { rows } = await db.query<Omit<FrozenReport, 'report' | 'modelText'>>(
    `SELECT id, revision, frozen_at AS "frozenAt", frozen_by AS "frozenBy", model, period, model_sha256 AS "modelSha256"
     FROM throughline.value_reports WHERE model = $1 ORDER BY period DESC, revision DESC LIMIT 1000`,
    [model],
  )
  return rows
}

/** Null: that revision is there already, made by somebody else at the same time. */
export const insertFrozen = async (
  db: Queryable,
  report: Pick<FrozenReport, 'revision' | 'model' | 'period' | 'modelSha256' | 'modelText' | 'report'>,
): Promise<FrozenReport | null> => {
  const { revision, model, period, modelSha256, modelText } = report
  try {
    const { rows } = await db.query<FrozenReport>(
      `INSERT INTO throughline.value_reports (revision, model, period, model_sha256, model_text, report)
       VALUES ($1, $2, $3, $4, $5, $6) RETURNING ${columns}`,
      [revision, model, period, modelSha256, modelText, JSON.stringify(report.report)],
    )
    return rows[0] ?? null
  } catch (error) {
    if (sqlStateOf(error) === '23505') return null
    throw error
  }
}
