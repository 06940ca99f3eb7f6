import { notice } from '../notice.js'
import type { Fields } from './id.js'

/** A log line repeats them each time: a few names of what the work is about, no document. */
const MAX_FIELDS = 8
const NAME = /^[a-z][a-z0-9_.]{0,63}$/
/** Control characters would forge lines of a log. */
const VALUE = /^\P{Cc}{0,128}$/u

/** The fields around with the new ones over them. What is refused is counted; its value is named nowhere, as it may come from outside. */
export function mergeFields(wanted: Fields | undefined, outer: Fields | undefined): { fields?: Fields } {
  const fields: Record<string, string> = { ...outer }
  for (const [name, value] of Object.entries(wanted ?? {})) {
    const room = Object.hasOwn(fields, name) || Object.keys(fields).length < MAX_FIELDS
    if (room && NAME.test(name) && typeof value === 'string' && VALUE.test(value)) fields[name] = value
    else notice('correlation_field_refused', 'correlation.run')
  }
  return wanted || outer ? { fields } : {}
}
