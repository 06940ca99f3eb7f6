import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { SdkError } from './errors.js'
import { readConfig, type StartOptions } from './options.js'

test('without anything: the Collector of this machine, a spool, no metrics page', () => {
  expect(readConfig({}, {})).toMatchObject({
    serviceName: 'unknown_service',
    mode: 'collector',
    tracesUrl: 'http://127.0.0.1:4318/v1/traces',
    metricsUrl: 'http://127.0.0.1:4318/v1/metrics',
    tracesHeaders: {},
    metricsHeaders: {},
    exportSpans: true,
    keepSlow: 'p99',
    propagators: ['tracecontext', 'baggage'],
    warnings: [],
    disabled: false,
    spoolDir: expect.stringMatching(`^${tmpdir()}/throughline-spool-\\d+$`),
    spoolMaxBytes: 2 ** 31,
    spoolDrops: 'newest',
    durability: 'process',
    confirm: undefined,
    metricsPort: undefined,
    metricsHost: '127.0.0.1',
    metricsIntervalMs: 10_000,
    shutdownTimeoutMs: 3_000,
  })
})

const env = {
  OTEL_SERVICE_NAME: 'billing',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector:4318/base/',
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x, x-tenant = a',
  OTEL_RESOURCE_ATTRIBUTES: 'service.version=1.2.3,service.name=other',
  OTEL_METRIC_EXPORT_INTERVAL: '500',
  THROUGHLINE_SPOOL_DIR: '/var/spool/x',
  THROUGHLINE_SPOOL_MAX_BYTES: '1048576',
  THROUGHLINE_SPOOL_DROPS: 'oldest',
  THROUGHLINE_DURABILITY: 'memory',
  THROUGHLINE_RECORDER_URL: 'http://recorder:4400/',
  THROUGHLINE_RECORDER_TOKEN: 'tl_ingest_x',
  THROUGHLINE_CONFIRM: 'recorder',
  THROUGHLINE_CONFIRM_TIMEOUT: '5000',
  THROUGHLINE_METRICS_PORT: '9464',
  THROUGHLINE_METRICS_HOST: '0.0.0.0',
  THROUGHLINE_SHUTDOWN_TIMEOUT: '0',
  THROUGHLINE_KEEP_SLOW: '250',
}

test('every option has its variable', () => {
  expect(readConfig({}, env)).toMatchObject({
    serviceName: 'billing',
    serviceVersion: '1.2.3',
    tracesUrl: 'https://collector:4318/base/v1/traces',
    tracesHeaders: { authorization: 'Bearer x', 'x-tenant': 'a' },
    keepSlow: 250,
    metricsIntervalMs: 500,
    spoolDir: '/var/spool/x',
    spoolMaxBytes: 2 ** 20,
    spoolDrops: 'oldest',
    durability: 'memory',
    confirm: { url: 'http://recorder:4400/v1/confirm', token: 'tl_ingest_x', timeoutMs: 5_000 },
    metricsPort: 9_464,
    metricsHost: '0.0.0.0',
    shutdownTimeoutMs: 0,
  })
})

test('an option wins over its variable', () => {
  const options: StartOptions = {
    serviceName: 'own',
    endpoint: 'http://own:1',
    durability: 'process',
    metricsPort: 0,
  }
  expect(readConfig(options, env)).toMatchObject({
    serviceName: 'own',
    tracesUrl: 'http://own:1/v1/traces',
    durability: 'process',
    metricsPort: 0,
  })
})

test('a variable that is set to nothing is not set', () => {
  const empty = Object.fromEntries(Object.keys(env).map((name) => [name, '']))
  expect({ ...readConfig({}, empty), log: 0 }).toEqual({ ...readConfig({}, {}), log: 0 })
})

test('with an endpoint a recorder confirms, unless the Collector shall; alone it gets the records, and its word is enough', () => {
  const both = { recorderUrl: 'http://recorder:4400', endpoint: 'http://c:4318' }
  expect(readConfig(both, {}).confirm).toEqual({
    url: 'http://recorder:4400/v1/confirm',
    token: undefined,
    timeoutMs: 60_000,
  })
  expect(readConfig({ ...both, confirm: 'collector' }, {}).confirm).toBeUndefined()
  const alone = readConfig({ recorderUrl: 'http://recorder:4400', recorderToken: 'tl_ingest_x' }, {})
  expect(alone).toMatchObject({ confirm: undefined, tracesHeaders: { authorization: 'Bearer tl_ingest_x' } })
  expect(readConfig({ ...both, recorderToken: 'tl_ingest_x' }, {}).tracesHeaders).toEqual({})
})

test('a token that no header can carry is refused, and not repeated', () => {
  const refused = () => readConfig({ recorderUrl: 'http://recorder:4400', recorderToken: 'secret\nx' }, {})
  expect(refused).toThrow(/recorderToken \(THROUGHLINE_RECORDER_TOKEN\)/)
  expect(refused).not.toThrow(/secret/)
})

test('a recorder without an endpoint is direct mode; with one it is not', () => {
  expect(readConfig({}, { THROUGHLINE_RECORDER_URL: 'http://recorder:4400' })).toMatchObject({
    mode: 'direct',
    tracesUrl: 'http://recorder:4400/v1/traces',
    metricsUrl: undefined,
  })
  expect(readConfig({ recorderUrl: 'http://recorder:4400', endpoint: 'http://c:4318' }, {}).mode).toBe(
    'collector',
  )
})

test.each<[StartOptions, string, string]>([
  [{ endpoint: 'collector:4318' }, 'endpoint', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  [{ endpoint: 'ftp://collector' }, 'endpoint', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  [{ recorderUrl: '' }, 'recorderUrl', 'THROUGHLINE_RECORDER_URL'],
  [{ spoolMaxBytes: 5 }, 'spoolMaxBytes', 'THROUGHLINE_SPOOL_MAX_BYTES'],
  [{ spoolDrops: 'none' as never }, 'spoolDrops', 'THROUGHLINE_SPOOL_DROPS'],
  [{ confirm: 'recorder' }, 'confirm', 'THROUGHLINE_CONFIRM'],
  [{ confirmTimeoutMs: 10 }, 'confirmTimeoutMs', 'THROUGHLINE_CONFIRM_TIMEOUT'],
  [{ durability: 'disk' as never }, 'durability', 'THROUGHLINE_DURABILITY'],
  [{ metricsPort: 65_536 }, 'metricsPort', 'THROUGHLINE_METRICS_PORT'],
  [{ metricsIntervalMs: 1 }, 'metricsIntervalMs', 'OTEL_METRIC_EXPORT_INTERVAL'],
  [{ metricsIntervalMs: 1.5e3 + 0.5 }, 'metricsIntervalMs', 'OTEL_METRIC_EXPORT_INTERVAL'],
  [{ shutdownTimeoutMs: -1 }, 'shutdownTimeoutMs', 'THROUGHLINE_SHUTDOWN_TIMEOUT'],
  [{ keepSlow: -1 }, 'keepSlow', 'THROUGHLINE_KEEP_SLOW'],
  [{ keepSlow: 'slowest' as never }, 'keepSlow', 'THROUGHLINE_KEEP_SLOW'],
  [{ keepSlow: true as never }, 'keepSlow', 'THROUGHLINE_KEEP_SLOW'],
  [{ propagateTo: ['a b'] }, 'propagateTo', 'THROUGHLINE_PROPAGATE_TO'],
  [{ trust: ['nobody'] }, 'trust', 'THROUGHLINE_TRUST'],
])('%o is refused, naming option %s and variable %s', (options, option, variable) => {
  const refused = () => readConfig(options, {})
  expect(refused).toThrow(SdkError)
  expect(refused).toThrow(expect.objectContaining({ code: 'TL_OPTION_INVALID' }))
  expect(refused).toThrow(option)
  expect(refused).toThrow(variable)
})

test('a password in a URL is refused without being said', () => {
  const refused = () => readConfig({ endpoint: 'http://user:hunter2@collector:4318' }, {})
  expect(refused).toThrow(/OTEL_EXPORTER_OTLP_HEADERS/)
  expect(refused).not.toThrow(/hunter2/)
})

test('a signal has its own URL, headers and time, and its URL is taken as it is', () => {
  const own = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://common:4318',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces:1/own/path',
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://metrics:2/',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=1',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=2',
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'c=3',
    OTEL_EXPORTER_OTLP_TIMEOUT: '2000',
    OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '3000',
    THROUGHLINE_RECORDER_URL: 'http://recorder:4400',
  }
  expect(readConfig({}, own)).toMatchObject({
    mode: 'collector',
    tracesUrl: 'http://traces:1/own/path',
    metricsUrl: 'http://metrics:2',
    tracesHeaders: { a: '1', b: '2' },
    metricsHeaders: { a: '1', b: '1', c: '3' },
    tracesTimeoutMs: 2_000,
    metricsTimeoutMs: 3_000,
  })
  expect(readConfig({ endpoint: 'http://code:3', headers: {} }, own)).toMatchObject({
    tracesUrl: 'http://code:3/v1/traces',
    metricsUrl: 'http://code:3/v1/metrics',
    tracesHeaders: {},
  })
  expect(() => readConfig({}, { OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: 'soon' })).toThrow(
    /OTEL_EXPORTER_OTLP_TRACES_TIMEOUT/,
  )
})

test('an exporter that is none: no spans, no metrics; records stay', () => {
  expect(readConfig({}, { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' })).toMatchObject({
    tracesUrl: 'http://127.0.0.1:4318/v1/traces',
    exportSpans: false,
    metricsUrl: undefined,
  })
})

test('what the environment asks for and does not get is said', () => {
  const { warnings } = readConfig({}, { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_CONFIG_FILE: 'otel.yaml' })
  expect(warnings).toEqual([
    expect.stringContaining("OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'"),
    expect.stringContaining('OTEL_CONFIG_FILE'),
  ])
  expect(readConfig({}, { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }).warnings).toEqual([])
})
