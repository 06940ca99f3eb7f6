import { notice } from '../notice.js'

/** A closed label set: the name of each label and every value it may have. */
export type LabelSet = Record<string, readonly string[]>

/** The labels of one measurement: exactly the declared names, each with one of its values. */
export type LabelsOf<L extends LabelSet> = { readonly [K in keyof L]: L[K][number] }

/** Stands for every value that was not declared: the measurement counts, the series stay few. */
const OTHER = 'other'

const LABEL = /^[a-z][a-z0-9_.]{0,62}$/

/** @throws TypeError on a bad name, an empty set, more than 10 labels or 1,000 combinations. */
export function checkLabels(instrument: string, labels: LabelSet): void {
  let combinations = 1
  const names = Object.keys(labels)
  for (const name of names) {
    if (!LABEL.test(name))
      throw new TypeError(`${instrument}: label ${name} is not of the form ${LABEL.source}`)
    const values = labels[name]
    if (!Array.isArray(values) || values.length === 0)
      throw new TypeError(`${instrument}: label ${name} needs its possible values`)
    for (const value of values) {
      if (typeof value !== 'string' || value === '' || value.length > 128) {
        throw new TypeError(`${instrument}: a value of label ${name} is not a string of 1 to 128 characters`)
      }
    }
    combinations *= values.length + 1
  }
  if (names.length > 10) throw new TypeError(`${instrument}: at most 10 labels`)
  if (combinations > 1_000)
    throw new TypeError(`${instrument}: ${combinations} label combinations, at most 1,000 (each is a series)`)
}

/** The labels as they will be stored: declared names only, in declared order, undeclared values as `other`. */
export function closeLabels(
  instrument: string,
  declared: LabelSet,
  given: Record<string, unknown> | undefined,
): Record<string, string> {
  const result: Record<string, string> = {}
  for (const name of Object.keys(declared)) {
    const value = given?.[name]
    if (typeof value === 'string' && (declared[name] as readonly string[]).includes(value))
      result[name] = value
    else {
      result[name] = OTHER
      notice('business_label_other', `${instrument}: label ${name}`)
    }
  }
  return result
}
