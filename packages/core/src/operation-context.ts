import { type Context, createContextKey, type Span, trace } from '@opentelemetry/api'
import { CORRELATION_KEY, type Correlation } from './correlation/id.js'
import type { Operation } from './operation.js'

const OPERATION_KEY = createContextKey('throughline.operation')

/** Where the API itself keeps the active span: asked of it once instead of repeating its name. */
const SPAN_KEY = findSpanKey()

function findSpanKey(): symbol {
  let key: symbol | undefined
  const probe: Context = {
    getValue: () => undefined,
    setValue(candidate) {
      key = candidate
      return probe
    },
    deleteValue: () => probe,
  }
  trace.setSpan(probe, trace.wrapSpanContext({ traceId: '', spanId: '', traceFlags: 0 }))
  if (key === undefined) throw new Error('@opentelemetry/api keeps the active span in an unknown way')
  return key
}

/**
 * The context inside an operation: one object over the context outside of it, where three `setValue` would copy its map three times.
 * Nested operations stand on the same base, so ten thousand levels of recursion do not make a chain of ten thousand look-ups.
 */
export class OperationContext implements Context {
  readonly #base: Context
  readonly #span: Span
  readonly #operation: Operation
  readonly #correlation: Correlation

  constructor(outer: Context, span: Span, operation: Operation, correlation: Correlation) {
    this.#base = outer instanceof OperationContext ? outer.#base : outer
    this.#span = span
    this.#operation = operation
    this.#correlation = correlation
  }

  getValue(key: symbol): unknown {
    if (key === SPAN_KEY) return this.#span
    if (key === OPERATION_KEY) return this.#operation
    if (key === CORRELATION_KEY) return this.#correlation
    return this.#base.getValue(key)
  }

  setValue(key: symbol, value: unknown): Context {
    return this.#flatten().setValue(key, value)
  }

  deleteValue(key: symbol): Context {
    return this.#flatten().deleteValue(key)
  }

  #flatten(): Context {
    return this.#base
      .setValue(SPAN_KEY, this.#span)
      .setValue(OPERATION_KEY, this.#operation)
      .setValue(CORRELATION_KEY, this.#correlation)
  }
}

export function operationOf(context: Context): Operation | undefined {
  return context.getValue(OPERATION_KEY) as Operation | undefined
}
