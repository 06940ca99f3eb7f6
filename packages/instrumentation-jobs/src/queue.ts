import { type Attributes, type Tracer, trace } from '@opentelemetry/api'
import { track } from '@throughline/core'
import { bounded } from './bounded.js'
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
  /** Runs what it is given as the tracked operation of this type. */
  operation(type: string): (body: Body) => Promise<void>
}

export function createQueue(settings: Settings): Queue {
  const { queue, maxTypes } = settings
  const operations = new Map<string, (body: Body) => Promise<void>>()
  return {
    settings,
    running: new Running(),
    typeOf: bounded(maxTypes, `job.type of ${queue}`),
    errorTypeOf: bounded(MAX_ERROR_TYPES, `error.type of ${queue}`),
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

export function tracer(): Tracer {
  return trace.getTracer(SCOPE, VERSION)
}

/** Of every span that tells of a message of this queue. */
export function messaging({ settings }: Queue, operation: 'send' | 'process', id: string): Attributes {
  return {
    'messaging.system': settings.system,
    'messaging.destination.name': settings.queue,
    'messaging.operation.type': operation,
    'messaging.operation.name': operation,
    ...(id === '' ? {} : { 'messaging.message.id': id, 'job.id': id }),
  }
}
