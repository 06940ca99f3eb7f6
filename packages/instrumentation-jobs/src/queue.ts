import { type Tracer, type TracerProvider, trace } from '@opentelemetry/api'
import { track } from '@throughline/core'
import { bounded } from './bounded.js'
import { type TypeLabels, typeLabels } from './labels.js'
import type { Settings } from './options.js'
import { Running } from './running.js'
import { SCOPE, VERSION } from './version.js'

/** As many as core gives an operation. */
const MAX_ERROR_TYPES = 20

type Body = () => Promise<void>

/** What the parts of one queue's instrumentation share. */
export interface Queue {
  readonly settings: Settings
  readonly running: Running
  /** The name of a type in metrics and rows. */
  readonly typeOf: (type: unknown) => string
  readonly errorTypeOf: (type: unknown) => string
  /** `type` is one that `typeOf` gave. */
  labelsOf(type: string): TypeLabels
  /** Runs what it is given as the tracked operation of this type. */
  operation(type: string): (body: Body) => Promise<void>
}

export function createQueue(settings: Settings): Queue {
  const { queue, maxTypes } = settings
  const operations = new Map<string, (body: Body) => Promise<void>>()
  const labels = new Map<string, TypeLabels>()
  return {
    settings,
    running: new Running(),
    typeOf: bounded(maxTypes, `job.type of ${queue}`),
    errorTypeOf: bounded(MAX_ERROR_TYPES, `error.type of ${queue}`),
    labelsOf(type) {
      let found = labels.get(type)
      if (found === undefined) {
        found = typeLabels(settings, type)
        labels.set(type, found)
      }
      return found
    },
    operation(type) {
      let found = operations.get(type)
      if (found === undefined) {
        // The last dot of a name parts service and operation: here the service is known.
        found = track(type.replaceAll('.', '_'), (body: Body) => body(), { service: queue })
        operations.set(type, found)
      }
      return found
    },
  }
}

let made: { provider: TracerProvider; tracer: Tracer } | undefined

/** The tracer of the provider that is registered now; what the API gives before that hands on to one that comes later. */
export function tracer(): Tracer {
  const provider = trace.getTracerProvider()
  if (made?.provider !== provider) made = { provider, tracer: provider.getTracer(SCOPE, VERSION) }
  return made.tracer
}
