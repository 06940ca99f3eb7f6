import { diag } from '@opentelemetry/api'
import { describeFailure } from '@throughline/core/runtime'

const said = new Set<string>()

/** A fault in here costs a figure, not the job. Each kind is said once. */
export function guard<T>(what: string, act: () => T): T | undefined {
  try {
    return act()
  } catch (problem) {
    warnOnce(what, `${what}: ${describeFailure(problem).message.slice(0, 200)}`)
    return undefined
  }
}

/** To OpenTelemetry's diagnostic logger, which is silent unless somebody listens. */
export function warnOnce(key: string, message: string): void {
  if (said.has(key)) return
  said.add(key)
  try {
    diag.warn(`@throughline/instrumentation-jobs: ${message}`)
  } catch {
    // A logger that throws must not fail the call.
  }
}
