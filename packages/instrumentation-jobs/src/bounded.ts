import { clean } from './clean.js'
import { warnOnce } from './guard.js'

/** A label is one of few; a longer value is no name of a kind. */
const MAX_CHARACTERS = 128

/**
 * Values of a label, the first `max` of them as they come; every later one is `other`, which is said once. Without this an ID in the
 * place of a name would make a series a job.
 */
export function bounded(max: number, what: string): (value: unknown) => string {
  const known = new Set<string>()
  return (value) => {
    const name = clean(value, MAX_CHARACTERS) || 'unknown'
    if (known.has(name)) return name
    if (known.size < max) {
      known.add(name)
      return name
    }
    warnOnce(what, `more than ${max} values of ${what}: later ones are counted as 'other'`)
    return 'other'
  }
}
