import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newSecret } from '@throughline/postgres/tokens'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../../sdk/src/options.js'
import type { RunningStack } from '../stack/handover.js'
import { findTargets } from './targets.js'

const [read, ingest] = [newSecret('read'), newSecret('ingest')]
let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'throughline-targets-'))
  await writeFile(join(dir, 'read-token'), `${read}\n`)
  await writeFile(join(dir, 'ingest-token'), `${ingest}\n`)
})
afterAll(() => rm(dir, { recursive: true }))

const stackOf = (...parts: string[]): RunningStack => ({
  dir,
  pid: process.pid,
  profile: 'hybrid',
  parts,
  urls: {
    otlp: 'http://127.0.0.1:1',
    recorder: 'http://127.0.0.1:2',
    jaeger: 'http://127.0.0.1:3',
    prometheus: 'http://127.0.0.1:4',
    cloudwatch: 'http://127.0.0.1:5',
    collectorMetrics: 'http://127.0.0.1:6/metrics',
  },
})
const whole = ['postgres', 'recorder', 'cloudwatch', 'collector', 'jaeger', 'prometheus']

describe('the way out is that of the SDK, by the same variables', () => {
  test.each([
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' },
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      THROUGHLINE_RECORDER_URL: 'http://recorder:4400',
    },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector/own/traces' },
    {
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://metrics/v1/own',
      THROUGHLINE_RECORDER_URL: 'http://recorder',
    },
    { OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=two%20words', OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=3=4' },
    { THROUGHLINE_RECORDER_URL: 'http://recorder:4400/', THROUGHLINE_RECORDER_TOKEN: newSecret('ingest') },
    { THROUGHLINE_SPOOL_DIR: '/var/spool/own' },
  ])('%o', (env) => {
    const { mode, tracesUrl, metricsUrl, tracesHeaders, metricsHeaders, spoolDir } = readConfig({}, env)
    expect(findTargets({}, env, undefined)).toMatchObject({
      mode,
      tracesUrl,
      metricsUrl: metricsUrl ?? '',
      tracesHeaders,
      metricsHeaders,
      spoolDir,
    })
  })
})

test('a stack that runs here is looked at without a word, with its own token', () => {
  expect(findTargets({}, {}, stackOf(...whole))).toMatchObject({
    mode: 'collector',
    tracesUrl: 'http://127.0.0.1:1/v1/traces',
    recorderUrl: 'http://127.0.0.1:2',
    readToken: read,
    jaeger: 'http://127.0.0.1:3',
    prometheus: 'http://127.0.0.1:4',
    cloudwatch: 'http://127.0.0.1:5',
    collectorMetrics: { url: 'http://127.0.0.1:6/metrics', sure: true },
    spoolDir: join(dir, 'spool'),
  })
})

test('of a stack without a Collector the records go to its recorder, with its token to send', () => {
  expect(findTargets({}, {}, stackOf('postgres', 'recorder'))).toMatchObject({
    mode: 'direct',
    tracesUrl: 'http://127.0.0.1:2/v1/traces',
    tracesHeaders: { authorization: `Bearer ${ingest}` },
    jaeger: undefined,
    prometheus: undefined,
  })
})

test('what is named wins over the variables, and these over the stack', () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://shell:4318',
    THROUGHLINE_PROMETHEUS_URL: 'http://shell:9090',
  }
  const found = findTargets(
    { otlp: 'http://named:4318', jaeger: 'http://named:16686' },
    env,
    stackOf(...whole),
  )
  expect(found).toMatchObject({
    tracesUrl: 'http://named:4318/v1/traces',
    jaeger: 'http://named:16686',
    prometheus: 'http://shell:9090',
    recorderUrl: 'http://127.0.0.1:2',
  })
})

test('the token of the stack is sent to the recorder of the stack alone', () => {
  const elsewhere = findTargets({ recorder: 'http://elsewhere:4400' }, {}, stackOf(...whole))
  expect(elsewhere.readToken).toBeUndefined()
  expect(JSON.stringify(elsewhere)).not.toMatch(/tl_(read|ingest)_/)
})

test('the token of a service may not read: that of the stack is taken, or else it is said', () => {
  const env = { THROUGHLINE_RECORDER_TOKEN: ingest }
  expect(findTargets({}, env, stackOf(...whole)).readToken).toBe(read)
  expect(findTargets({}, env, undefined).readToken).toBe(ingest)
  expect(findTargets({ token: 'named' }, env, stackOf(...whole)).readToken).toBe('named')
})
