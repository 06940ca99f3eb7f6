/** A number that went into a figure, and where it is from. */
export type Input = {
  name: string
  /** Exact decimal. */
  value: string
  unit: string | null
  source: 'rows' | 'assumption' | 'model'
  /** Which rows, or which line of the model file and from when to when it holds. */
  detail: string
}

/** One number of a report with all that it takes to check it. */
export type Figure = {
  name: string
  /** An exact decimal or, of a date, `2026-10-31`; null where there is nothing to compute it from. */
  value: string | null
  /** A currency, `h`, `ms`, `%`, `months`, `date` or `1`. */
  unit: string
  formula: string
  inputs: Input[]
  /** How many rows of operations it was computed from. */
  rows: number
  /** For psql: the same number from the rows. */
  sql: string
  /** What else a reader must know, the basis of a projection above all. */
  note: string | null
}

export type ValueReport = {
  model: string
  file: string
  modelSha256: string
  currency: string
  period: { name: string; from: string; until: string; complete: boolean }
  /** The first day whose savings count against the investment. */
  since: string | null
  figures: Figure[]
  /** Further names of figures. */
  names: Record<string, string>
  warnings: string[]
  madeAt: string
}

/** A figure by its own or by one of its further names. */
export const figureOf = (report: ValueReport, name: string): Figure | undefined =>
  report.figures.find((figure) => figure.name === (report.names[name] ?? name))
