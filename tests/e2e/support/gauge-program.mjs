import { metrics } from '@opentelemetry/api'

const meter = metrics.getMeter('application')
meter.createObservableGauge('tank.level').addCallback((result) => result.observe(Number.NaN))
meter.createCounter('tank.readings').add(3)
