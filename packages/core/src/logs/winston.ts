import { type CorrelationFields, correlation } from '../correlation/correlation.js'

/** What winston takes for a format: an object that transforms a line's fields. */
interface Format {
  transform<Info extends object>(info: Info): Info & CorrelationFields
}

/**
 * A winston format that puts `correlation_id`, `trace_id` and `span_id` on each line, with and without an active span; a field that the
 * line has already stays. Goes first: `format.combine(winstonFormat(), format.json())`.
 */
export function winstonFormat(): Format {
  return {
    // The same object back, since winston keeps level and message on it under symbols.
    transform: (info) => Object.assign(info, { ...correlation.fields(), ...info }),
  }
}
