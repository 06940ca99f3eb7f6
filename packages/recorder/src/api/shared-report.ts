import type { ValueReport } from '../value/figure.js'
import type { ValueModel } from '../value/model.js'
import { periodOf } from '../value/period.js'
import { valueReport } from '../value/report.js'
import type { ApiParts } from './parts.js'

/** The report of a period, one a second for all pages that show of it; the dearest part is counting users. */
export const sharedReport = (
  { reads, coalesce }: ApiParts,
  model: ValueModel,
  period?: string,
): Promise<ValueReport> => {
  const { name } = periodOf(period)
  return coalesce(`value report ${name}`, () => valueReport(reads, model, { period: name }))
}
