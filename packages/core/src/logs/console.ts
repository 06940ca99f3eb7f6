import { correlation } from '../correlation/correlation.js'

const METHODS = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const

/** The methods of a console that write a line. */
export type LineConsole = Pick<Console, (typeof METHODS)[number]>

/**
 * A console whose lines begin with `correlation_id=… trace_id=… span_id=…`, as far as these are known when it is called. The global
 * console, or the one given, is written to and stays as it is.
 */
export function correlatedConsole(target: LineConsole = console): LineConsole {
  const result: Partial<LineConsole> = {}
  for (const method of METHODS) {
    result[method] = (...values: unknown[]) => {
      const prefix = Object.entries(correlation.fields())
        .map(([key, value]) => `${key}=${shown(value ?? '')}`)
        .join(' ')
      if (prefix === '') target[method](...values)
      // In front of the format string, whose %s and %d keep their values.
      else if (typeof values[0] === 'string') target[method](`${prefix} ${values[0]}`, ...values.slice(1))
      else target[method](prefix, ...values)
    }
  }
  return result as LineConsole
}

/** An ID as it is. Any other text of a field is quoted, so that it looks like no second field, and without what a format string reads. */
function shown(value: string): string {
  return /^[\w.:/-]+$/.test(value) ? value : JSON.stringify(value.replaceAll('%', '_'))
}
