// Writes the same two lines by each logger: one under a correlation ID alone, one inside an operation.
import { logs, trace } from '@opentelemetry/api'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { correlation, track } from '@throughline/core'
import { correlatedConsole, winstonFormat } from '@throughline/core/logs'
import { correlationLogProcessor, start } from '@throughline/sdk'
import pino from 'pino'
import winston from 'winston'

const exporter = new InMemoryLogRecordExporter()
logs.setGlobalLoggerProvider(
  new LoggerProvider({ processors: [correlationLogProcessor, new SimpleLogRecordProcessor({ exporter })] }),
)
const pinoLog = pino({ base: null, mixin: correlation.fields }, pino.destination({ sync: true }))
const throughline = await start({
  endpoint: process.env.ENDPOINT,
  spoolDir: process.env.SPOOL,
  logger: pinoLog,
})

const { combine, json } = winston.format
const loggers = {
  pino: (text) => pinoLog.info(text),
  winston: (() => {
    const log = winston.createLogger({
      format: combine(winstonFormat(), json()),
      transports: [new winston.transports.Console()],
    })
    return (text) => log.info(text)
  })(),
  console: (text) => correlatedConsole().log('%s', text),
  otel: (text) => logs.getLogger('app').emit({ body: text }),
}

const inside = track('Orders.place', () => {
  const { traceId, spanId } = trace.getActiveSpan().spanContext()
  console.log(`ids ${traceId} ${spanId}`)
  for (const [name, log] of Object.entries(loggers)) log(`${name} inside`)
})
correlation.run('order-1', () => {
  for (const [name, log] of Object.entries(loggers)) log(`${name} outside`)
  inside()
})
for (const [name, log] of Object.entries(loggers)) log(`${name} nowhere`)

const fail = track('Orders.fail', async () => {
  throw new RangeError('out of stock')
})
await correlation.run({ id: 'order-2', user: 'ada' }, () => fail().catch(() => {}))

for (const { body, attributes, spanContext } of exporter.getFinishedLogRecords())
  console.log(
    JSON.stringify({ msg: body, attributes, trace_id: spanContext?.traceId, span_id: spanContext?.spanId }),
  )
await throughline.shutdown()
