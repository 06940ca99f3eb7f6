import { type FrozenReport, findFrozen, insertFrozen } from '@throughline/postgres/value'
import type { Pool } from 'pg'
import { RecorderError } from '../errors.js'
import type { Figure, Input, ValueReport } from './figure.js'
import type { ValueModel } from './model.js'
import { parseValueModel } from './parse.js'
import { type ReportOptions, valueReport } from './report.js'

/** A report as it was frozen, with the model file of that time. */
export type Frozen = Omit<FrozenReport, 'report'> & { report: ValueReport }

/** Why a figure is not what it was. */
export type Reason =
  | { kind: 'late_rows' | 'missing_rows'; rows: number; from: string | null; to: string | null }
  | { kind: 'assumption'; from: string | null; to: string | null; changes: string[] }
  | { kind: 'formula'; from: string | null; to: string | null }

export type Difference = { figure: string; frozen: string | null; now: string | null; reasons: Reason[] }

/**
 * Stores the report of a period that is over: model file, inputs and results, for good. Throws `TL_VALUE_PERIOD` while
 * the period is not over, `TL_VALUE_FROZEN` when it has been frozen; with `again` that adds a revision.
 */
export const freeze = async (
  pool: Pool,
  model: ValueModel,
  options: ReportOptions & { again?: boolean } = {},
): Promise<Frozen> => {
  const report = await valueReport(pool, model, options)
  const period = report.period.name
  if (!report.period.complete)
    throw new RecorderError('TL_VALUE_PERIOD', `${period} is not over: it can be frozen when it is`)
  const last = await findFrozen(pool, model.name, period)
  const taken = (revision: number): RecorderError =>
    new RecorderError(
      'TL_VALUE_FROZEN',
      `${period} of ${model.name} is frozen already (revision ${revision}): a further revision must be asked for`,
    )
  if (last !== null && options.again !== true) throw taken(last.revision)
  const revision = (last?.revision ?? 0) + 1
  const frozen = await insertFrozen(pool, {
    revision,
    model: model.name,
    period,
    modelSha256: model.sha256,
    modelText: model.text,
    report,
  })
  if (frozen === null) throw taken(revision)
  return frozen as Frozen
}

/**
 * The frozen report of a period beside the one that the rows and the model give now, and why they differ: the report is
 * made a third time, with the model as it was, which parts what the rows changed from what the model did. Null when
 * nothing is frozen.
 */
export const compareFrozen = async (
  pool: Pool,
  model: ValueModel,
  options: ReportOptions = {},
): Promise<{ frozen: Frozen; now: ValueReport; differences: Difference[] } | null> => {
  const now = await valueReport(pool, model, options)
  const frozen = (await findFrozen(pool, model.name, now.period.name)) as Frozen | null
  if (frozen === null) return null
  const remade =
    frozen.modelSha256 === model.sha256
      ? now
      : await valueReport(pool, parseValueModel(frozen.modelText, frozen.report.file), options)
  const of = (report: ValueReport, name: string) => report.figures.find((figure) => figure.name === name)
  const names = new Set([...frozen.report.figures, ...now.figures].map(({ name }) => name))
  const differences = [...names].flatMap((name): Difference[] => {
    const [was, is] = [of(frozen.report, name), of(now, name)]
    if (was !== undefined && is !== undefined && was.value === is.value) return []
    const reasons = reasonsOf(was, of(remade, name), is)
    return [{ figure: name, frozen: was?.value ?? null, now: is?.value ?? null, reasons }]
  })
  return { frozen, now, differences }
}

const reasonsOf = (was: Figure | undefined, remade: Figure | undefined, is: Figure | undefined): Reason[] => {
  const reasons: Reason[] = []
  if (was !== undefined && remade !== undefined && was.value !== remade.value) {
    const rows = remade.rows - was.rows
    const kind = rows < 0 ? 'missing_rows' : 'late_rows'
    reasons.push({ kind, rows: Math.abs(rows), from: was.value, to: remade.value })
  }
  if (remade?.value === is?.value && is !== undefined) return reasons
  const from = remade?.value ?? null
  const to = is?.value ?? null
  const changes = changesOf(remade?.inputs ?? [], is?.inputs ?? [])
  reasons.push(changes.length > 0 ? { kind: 'assumption', from, to, changes } : { kind: 'formula', from, to })
  return reasons
}

const changesOf = (was: readonly Input[], is: readonly Input[]): string[] => {
  const said = ({ name, value, unit, detail }: Input): string =>
    `${name} ${value}${unit === null ? '' : ` ${unit}`} (${detail})`
  const assumed = (inputs: readonly Input[]): string[] =>
    inputs.filter(({ source }) => source !== 'rows').map(said)
  // Where a number stands in the file is no change of it.
  const bare = (text: string): string => text.replace(/, [^,]*:\d+\)$/, ')')
  const [before, after] = [assumed(was), assumed(is)]
  return [
    ...before.filter((one) => !after.map(bare).includes(bare(one))).map((one) => `was ${one}`),
    ...after.filter((one) => !before.map(bare).includes(bare(one))).map((one) => `is ${one}`),
  ]
}
