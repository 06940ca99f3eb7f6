import { context, SpanKind, trace } from '@opentelemetry/api'
import { correlation } from '@throughline/core'
import { correlationOf } from '@throughline/core/runtime'
import { writeCarrier } from './carrier.js'
import { clean } from './clean.js'
import { guard } from './guard.js'
import { isHeard } from './heard.js'
import { instruments } from './metrics.js'
import { type Queue, tracer } from './queue.js'
import { toMillis } from './time.js'
import type { EnqueuedJob, JobCarrier } from './types.js'

/** Tells that a job was enqueued; the PRODUCER span is over at once, since the queue's own call is not seen from here. */
export function enqueue(queue: Queue, job: EnqueuedJob): JobCarrier {
  const at = guard('time of a job', () => toMillis(job.enqueuedAt)) ?? Date.now()
  const carrier = isHeard() ? guard('enqueued', () => enqueueHeard(queue, job, at)) : undefined
  return carrier ?? { enqueued_at: new Date(at).toISOString() }
}

/** What a job causes shares an ID with what enqueued it, and be it a new one. */
function enqueueHeard(queue: Queue, job: EnqueuedJob, at: number): JobCarrier {
  const hasId = correlationOf(context.active()) !== undefined
  return hasId ? send(queue, job, at) : correlation.run({}, () => send(queue, job, at))
}

function send(queue: Queue, job: EnqueuedJob, at: number): JobCarrier {
  const labels = queue.labelsOf(queue.typeOf(job.type))
  instruments().enqueued.add(1, labels.plain)
  const id = clean(job.id)
  const attributes = id === '' ? labels.sent : { ...labels.sent, 'messaging.message.id': id, 'job.id': id }
  const span = tracer().startSpan(`send ${queue.settings.queue}`, { kind: SpanKind.PRODUCER, attributes })
  try {
    return context.with(trace.setSpan(context.active(), span), () => writeCarrier(at))
  } finally {
    span.end()
  }
}
