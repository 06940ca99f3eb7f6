import { init, trace } from 'autotel'
import { collector } from './otel.mjs'

export function create() {
  const spans = collector()
  init({
    service: 'torture',
    sampling: 'development',
    autoInstrumentations: false,
    spanProcessors: [spans.processor],
    metricReaders: [],
  })
  return { wrap: (name, fn) => trace(name, fn), recorded: spans.recorded }
}
