import 'reflect-metadata'
import { trace } from '@opentelemetry/api'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { Span } from 'nestjs-otel'
import { collector } from './otel.mjs'

export function create() {
  const spans = collector()
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [spans.processor] }))
  return {
    wrap(name, fn) {
      const descriptor = { value: fn, writable: true, configurable: true, enumerable: false }
      return (Span(name)({}, 'method', descriptor) ?? descriptor).value
    },
    recorded: spans.recorded,
  }
}
