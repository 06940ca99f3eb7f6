import { notice } from '../notice.js'

/** A closed label set: the name of each label and every value it may have. */
export type LabelSet = Record<string, readonly string[]>

/** The labels of one measurement: exactly the declared names, each with one of its values. */
export type LabelsOf<L extends LabelSet> = { readonly [K in keyof L]: L[K][number] }

/** What follows the value: the labels, or nothing where none are declared. */
export type LabelArguments<L extends LabelSet> = keyof L extends never
  ? [labels?: Record<string, never>]
  : [labels: LabelsOf<L>]

/** Stands for every value that was not declared: the measurement counts, the series stay few. */
const OTHER = 'other'

const LABEL = /^[a-z][a-z0-9_.]{0,62}$/

const MAX_LABELS = 10
/** Labels of one measurement are told apart by one number: 10^6 is far below what a number holds exactly. */
const MAX_COMBINATIONS = 1_000_000

/** @throws TypeError on a bad name, an empty set, more than 10 labels, or more combinations than series. */
export function checkLabels(instrument: string, labels: LabelSet, maxSeries: number): void {
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
  if (names.length > MAX_LABELS) throw new TypeError(`${instrument}: at most ${MAX_LABELS} labels`)
  if (combinations > MAX_COMBINATIONS)
    throw new TypeError(`${instrument}: ${combinations} label combinations, at most ${MAX_COMBINATIONS}`)
  // A series costs each store for as long as it is kept: more of them than usual is something to say.
  if (combinations > maxSeries && maxSeries === DEFAULT_MAX_SERIES)
    throw new TypeError(
      `${instrument}: ${combinations} label combinations, at most 1,000 (each is a series); if few of them occur, set maxSeries`,
    )
}

export const DEFAULT_MAX_SERIES = 1_000

/**
 * Closes measurements over a label set: declared names only, undeclared values as `other`. Equal labels come back as one object, which
 * is what an SDK finds its series by; `maxKept` of them are kept.
 */
export function labelCloser(
  instrument: string,
  declared: LabelSet,
  fixed: Record<string, string>,
  maxKept: number,
): (given: Record<string, unknown> | undefined) => Record<string, string> {
  const names = Object.keys(declared)
  const values = names.map((name) => [...new Set([...declared[name]!, OTHER])])
  const places = values.map((list) => new Map(list.map((value, place) => [value, place])))
  const kept = new Map<number, Record<string, string>>()

  function placeOf(at: number, value: unknown): number {
    const place = typeof value === 'string' ? places[at]!.get(value) : undefined
    if (place !== undefined && (value !== OTHER || declared[names[at]!]!.includes(OTHER))) return place
    notice('business_label_other', `${instrument}: label ${names[at]}`)
    return places[at]!.get(OTHER)!
  }

  return (given) => {
    let key = 0
    const chosen: number[] = []
    for (let at = 0; at < names.length; at += 1) {
      const place = placeOf(at, given?.[names[at]!])
      chosen.push(place)
      key = key * values[at]!.length + place
    }
    const known = kept.get(key)
    if (known !== undefined) return known
    const labels: Record<string, string> = {}
    chosen.forEach((place, at) => {
      labels[names[at]!] = values[at]![place]!
    })
    Object.assign(labels, fixed)
    Object.freeze(labels)
    if (kept.size < maxKept) kept.set(key, labels)
    return labels
  }
}
