import { context, isSpanContextValid, trace } from '@opentelemetry/api'
import { notice } from '../notice.js'
import { mergeFields } from './fields.js'
import { CORRELATION_KEY, type Correlation, correlationOf, isCorrelationId, newCorrelationId } from './id.js'
import { extract, inject } from './messages.js'
import { middleware } from './middleware.js'

/** Names for log lines, beside what `correlation.run` was given as `fields`; a key without a value is absent. */
export interface CorrelationFields {
  correlation_id?: string
  trace_id?: string
  span_id?: string
  [field: string]: string | undefined
}

/** What `correlation.run` shall put in force; what is left out stays as it is around. */
interface Wanted {
  id?: string
  user?: string
  /** For log lines: 8 at most, names as `job.id`, values without control characters of at most 128 characters. Others are refused and counted. */
  fields?: Readonly<Record<string, string>>
}

/** The ID of the request that is being served, or undefined outside of one (or without an SDK, which brings the context). */
function id(): string | undefined {
  return correlationOf(context.active())?.id
}

/**
 * Runs `fn` under a correlation ID and, if given, an ambient user; the ID reaches every span, record and outbound request below, the user
 * every span and record, `fields` every log line. An invalid ID is replaced by a new UUID and counted. Returns what `fn` returns.
 */
function run<T>(correlation: string | Wanted, fn: () => T): T {
  const wanted: Wanted = typeof correlation === 'string' ? { id: correlation } : correlation
  const active = context.active()
  const outer = correlationOf(active)
  const value: Correlation = {
    id: chosenId(wanted.id, outer),
    ...userOf(wanted.user ?? outer?.user),
    ...mergeFields(wanted.fields, outer?.fields),
  }
  return context.with(active.setValue(CORRELATION_KEY, value), fn)
}

function chosenId(wanted: string | undefined, outer: Correlation | undefined): string {
  if (wanted === undefined) return outer?.id ?? newCorrelationId()
  if (isCorrelationId(wanted)) return wanted
  notice('correlation_id_replaced', 'correlation.run')
  return newCorrelationId()
}

function userOf(user: string | undefined): { user?: string } {
  return user === undefined ? {} : { user }
}

/** `correlation_id`, `trace_id`, `span_id` and the fields of `run` of this moment, for a log line. Works with and without an active span. */
function fields(): CorrelationFields {
  const active = context.active()
  const correlation = correlationOf(active)
  const result: CorrelationFields = { ...correlation?.fields }
  if (correlation !== undefined) result.correlation_id = correlation.id
  const span = trace.getSpanContext(active)
  if (span !== undefined && isSpanContextValid(span)) {
    result.trace_id = span.traceId
    result.span_id = span.spanId
  }
  return result
}

/**
 * The same function, run in the context of this moment whenever and by whomever it is called. For callbacks that a pool, a queue or an
 * emitter calls later out of another request's context.
 */
function bind<F extends (...args: never[]) => unknown>(fn: F): F {
  return context.bind(context.active(), fn)
}

/** The correlation ID of a request: read, set, logged, answered, handed on. */
export const correlation: {
  id: typeof id
  run: typeof run
  fields: typeof fields
  bind: typeof bind
  middleware: typeof middleware
  inject: typeof inject
  extract: typeof extract
} = { id, run, fields, bind, middleware, inject, extract }
