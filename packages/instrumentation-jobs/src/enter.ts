import { context, type Span, type SpanContext, SpanKind, trace } from '@opentelemetry/api'
import { correlation } from '@throughline/core'
import { clean } from './clean.js'
import type { Execution } from './execution.js'
import { guard } from './guard.js'
import { JOB_KEY } from './job-key.js'
import { type Queue, tracer } from './queue.js'

/** A line of a log holds the field; see `correlation.run`. */
const MAX_FIELD = 128

/**
 * Runs `work` where the job's code belongs: under the correlation ID and, as `trace` says, in or linked to the trace of who enqueued it; in
 * a CONSUMER span; in the tracked operation that becomes the row. What was active around it, such as the loop that polls, is left out.
 */
export function enter(
  queue: Queue,
  execution: Execution,
  headers: Record<string, string>,
  work: () => Promise<void>,
): Promise<void> {
  const fields = {
    'job.id': clean(execution.id, MAX_FIELD),
    'job.execution.id': clean(execution.executionId, MAX_FIELD),
  }
  const inJob = (): Promise<void> => {
    const outer = context.active()
    const span = guard('span of a job', () => consumerSpan(queue, execution, trace.getSpanContext(outer)))
    const around = span === undefined ? trace.deleteSpan(outer) : trace.setSpan(outer, span)
    return context.with(around.setValue(JOB_KEY, execution), () =>
      queue.operation(execution.type)(() => {
        execution.entered(span)
        return work()
      }),
    )
  }
  return correlation.extract(headers, () => correlation.run({ fields }, inJob))
}

function consumerSpan(queue: Queue, execution: Execution, producer: SpanContext | undefined): Span {
  const links = producer === undefined ? [] : [{ context: producer }]
  return tracer().startSpan(`process ${queue.settings.queue}`, {
    kind: SpanKind.CONSUMER,
    attributes: execution.spanAttributes(),
    ...(queue.settings.trace === 'link' ? { root: true, links } : {}),
  })
}
