import { diag } from '@opentelemetry/api'
import { sharedSlot } from './slot.js'

/**
 * A tracked call that finds no SDK: the first one in a process says so. To OpenTelemetry's diagnostic logger, which is silent unless somebody
 * listens, since a library may be tracked and its users may want no SDK. Where a variable of ours is set somebody does want one: there it
 * is a warning of the process.
 */
export function withoutSdk(site: { names(self: unknown): { spanName: string } }): undefined {
  if (sharedSlot.early === undefined) tell(site.names(undefined).spanName)
}

function tell(name: string): void {
  sharedSlot.early = name
  const { env } = process
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return
  const text = `${name} was called, and no SDK of Throughline is started: not recorded. node --import @throughline/sdk/register`
  try {
    if (Object.keys(env).some((variable) => variable.startsWith('THROUGHLINE_')))
      process.emitWarning(text, 'ThroughlineWarning')
    else diag.warn(text)
  } catch {
    // A logger that throws must not fail the call.
  }
}
