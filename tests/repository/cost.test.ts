import { encodeMetrics, encodeResource } from '@throughline/otlp'
import { describe, expect, test } from 'vitest'
import { billOf, cloudWatchGb, pageOf, readInputs, referenceOf } from '../../deploy/cost/cost.js'
import { DURATION_BOUNDS } from '../../packages/sdk/src/metrics/buckets.js'
import { read } from './workspace.js'

const inputs = readInputs()

describe('docs/guides/cost.md', () => {
  test('is what `node deploy/cost/cost.ts` computes', () => {
    expect(read('docs/guides/cost.md')).toBe(pageOf(inputs))
  })

  test('names each price with source and date, and says which ones nobody checked', () => {
    for (const [name, { source, date, checked }] of Object.entries(inputs.prices)) {
      expect(source.length, name).toBeGreaterThan(10)
      expect(date, name).toMatch(/^\d{4}(?:-\d{2}){0,2}$/)
      expect(
        read('docs/guides/cost.md').includes(`| ${date} | ${checked ? '' : '**assumption**: '}${source} |`),
      ).toBe(true)
    }
  })
})

test('the numbers of the first documents come out with their assumptions, to a tenth', () => {
  for (const [profile, { claimed, derived }] of Object.entries(referenceOf(inputs)))
    expect(Math.abs(derived / claimed - 1), profile).toBeLessThan(0.1)
})

test('bytes of a point are those that our encoder writes', () => {
  const resource = encodeResource({
    'service.name': 'allocation',
    'service.namespace': 'dyno',
    'service.version': '1.4.2',
    'service.instance.id': '018f6a2e-7c1b-7d3e-9a51-0123456789ab',
    'deployment.environment.name': 'production',
    'host.name': 'ip-10-20-30-40.eu-central-1.compute.internal',
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.version': '3.0.0',
  })
  const times = { startTimeUnixNano: 1n << 60n, timeUnixNano: 1n << 60n }
  const exemplar = {
    timeUnixNano: 1n << 60n,
    value: 0.25,
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: 'eee19b7ec3c1b174',
    attributes: { 'correlation.id': '018f6a2e-7c1b-7d3e-9a51-0123456789ab' },
  }
  const number = encodeMetrics({
    resource,
    scope: { name: 'throughline.business' },
    metrics: [
      {
        name: 'business.allocation.value',
        unit: '{currency}',
        data: {
          kind: 'sum',
          monotonic: true,
          temporality: 'cumulative',
          points: [
            {
              ...times,
              value: 129.9,
              attributes: { site: 'cologne', currency: 'USD' },
              exemplars: [exemplar],
            },
          ],
        },
      },
    ],
  })
  const histogram = encodeMetrics({
    resource,
    scope: { name: 'throughline.operations' },
    metrics: [
      {
        name: 'throughline.operation.duration',
        unit: 's',
        data: {
          kind: 'histogram',
          temporality: 'cumulative',
          points: [
            {
              ...times,
              count: 100,
              sum: 25,
              bounds: [...DURATION_BOUNDS],
              bucketCounts: [...DURATION_BOUNDS, 0].map(() => 6),
              attributes: {
                'operation.service': 'AllocationService',
                'operation.name': 'autoAllocate',
                outcome: 'success',
              },
              exemplars: [exemplar, exemplar, exemplar],
            },
          ],
        },
      },
    ],
  })
  // To ten bytes: names differ from service to service.
  const rounded = (bytes: Uint8Array) => Math.round(bytes.length / 10) * 10
  expect({ number: rounded(number), histogram: rounded(histogram) }).toEqual(inputs.bytes_per_point)
})

describe('the set-up `stack` is that of deploy/aws', () => {
  const { tasks, database, nat_gateways: gateways } = inputs.setups.stack
  const settings = read('deploy/aws/src/settings.ts')
  const settingOf = (name: string) => new RegExp(`^  ${name}: (.+),$`, 'm').exec(settings)?.[1]

  test.each(Object.entries(tasks))('%s', (name, { vcpu, gb, count }) => {
    const source = read(`deploy/aws/src/services/${name}.ts`)
    expect(Number(/cpu: (\d+)/.exec(source)?.[1])).toBe(vcpu * 1024)
    expect(Number(/memoryMiB(?:: | = )(\d+)/.exec(source)?.[1])).toBe(gb * 1024)
    expect(count).toBe(name === 'recorder' ? Number(settingOf('recorderTasks')) : 1)
  })

  test('database and network', () => {
    expect(settingOf('databaseClass')).toBe(`'${database.price.replace(/^db_/, '').replace('_', '.')}'`)
    expect(settingOf('databaseGiB')).toBe(String(database.least_gb))
    expect(settingOf('multiAz')).toBe(String(database.zones === 2))
    expect(settingOf('natGateways')).toBe(String(gateways))
  })
})

describe('the computation', () => {
  const total = (of: typeof inputs, profile: 'prometheus' | 'cloudwatch' | 'hybrid') =>
    billOf(of, profile, 'stack').reduce((all, { usd }) => all + usd, 0)

  test('adds up by hand: GB to CloudWatch of one number a second', () => {
    const one = {
      ...inputs,
      load: {
        ...inputs.load,
        export_interval_s: 1,
        business_numbers: 1,
        operational_numbers: 0,
        operational_histograms: 0,
      },
    }
    const gb = (730 * 3600 * inputs.bytes_per_point.number) / 1e9
    expect(cloudWatchGb(one, 'hybrid')).toBeCloseTo(gb, 9)
    expect(cloudWatchGb(one, 'cloudwatch')).toBeCloseTo(gb, 9)
    expect(cloudWatchGb(one, 'prometheus')).toBe(0)
  })

  test('has no line below zero or that is no number', () => {
    for (const profile of ['prometheus', 'cloudwatch', 'hybrid'] as const)
      for (const setup of ['stack', 'small'] as const)
        for (const { what, usd } of billOf(inputs, profile, setup)) {
          expect(usd, what).toBeGreaterThanOrEqual(0)
          expect(Number.isFinite(usd), what).toBe(true)
        }
  })

  test('a longer interval makes CloudWatch cheaper and leaves Prometheus as it is', () => {
    const slow = { ...inputs, load: { ...inputs.load, export_interval_s: 60 } }
    expect(total(slow, 'cloudwatch')).toBeLessThan(total(inputs, 'cloudwatch'))
    expect(total(slow, 'prometheus')).toBe(total(inputs, 'prometheus'))
  })
})
