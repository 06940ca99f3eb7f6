import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, lookups, openStack, type Stack, until } from '@throughline/cli'
import { beforeAll, describe, expect, test } from 'vitest'
import { DROPPED, EXPECTED, hostileMetrics, PLANTED } from './support/hostile-metrics.js'
import { counterRequest, postJson } from './support/otlp-json.js'
import { atEnd } from './support/test-stack.js'

const SCOPES = { operational: 'throughline.operations', business: 'throughline.business' } as const
type Kind = keyof typeof SCOPES

/** Where each profile sends its metrics. */
const profiles = [
  ['prometheus', { operational: 'prometheus', business: 'prometheus' }],
  ['cloudwatch', { operational: 'cloudwatch', business: 'cloudwatch' }],
  ['hybrid', { operational: 'prometheus', business: 'cloudwatch' }],
] as const

/** The latest value of a metric in Prometheus, or the count of a histogram. */
async function inPrometheus(stack: Stack, name: string): Promise<number | undefined> {
  const written = name.replaceAll('.', '_')
  const query = `sum({__name__=~"${written}(?:_total|_count)?"})`
  return (await lookups.prometheusQuery(stack.urls.prometheus, query))[0]?.value
}

async function inCloudWatch(stack: Stack, name: string): Promise<number | undefined> {
  const points = await lookups.cloudWatchPoints(stack.urls.cloudwatch)
  const found = points.filter((point) => point.name === name)
  expect(found.length, `points of ${name}`).toBeLessThanOrEqual(1)
  const value = found[0]?.value ?? found[0]?.count
  return value === undefined ? undefined : Number(value)
}

/** Everything that is a label, a dimension or an attribute in the stores; exemplars, which may hold identifiers, are none of these. */
async function labelsInStores(stack: Stack): Promise<string> {
  const texts: string[] = []
  if (stack.parts.some(({ name }) => name === 'prometheus')) {
    const url = new URL('/api/v1/series', stack.urls.prometheus)
    url.searchParams.set('match[]', '{__name__!=""}')
    texts.push(await (await fetch(url)).text())
  }
  if (stack.parts.some(({ name }) => name === 'cloudwatch'))
    for (const { exemplars: _, ...point } of await lookups.cloudWatchPoints(stack.urls.cloudwatch))
      texts.push(JSON.stringify(point))
  return texts.join('\n')
}

describe.each(profiles)('in the profile %s', (profile, stores) => {
  const used = new Set<string>(Object.values(stores))
  const look = { prometheus: inPrometheus, cloudwatch: inCloudWatch }
  let stack: Stack

  beforeAll(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'throughline-profile-'))
    stack = await openStack({ dir, ports: await freePorts(), profile })
    atEnd(async () => {
      await stack.stop()
      await rm(dir, { recursive: true, force: true })
    })
    // Metrics need neither Postgres nor the recorder.
    if (used.has('prometheus')) await stack.startPrometheus()
    if (used.has('cloudwatch')) await stack.startCloudWatch()
    await stack.startCollector()
  })

  const send = async (request: unknown) =>
    expect((await postJson(`${stack.otlpUrl}/v1/metrics`, request)).status).toBe(200)

  test.each(Object.keys(SCOPES) as Kind[])('%s metrics arrive in their store', async (kind) => {
    const name = kind === 'business' ? 'business.orders' : 'calls'
    await send(counterRequest(SCOPES[kind], name, 5))
    await until(async () => (await look[stores[kind]](stack, name)) === 5, {
      what: `${name} in ${stores[kind]}`,
    })
  })

  test.each(Object.keys(SCOPES) as Kind[])(
    'no identifier becomes a label of %s metrics: the series are added up without it',
    async (kind) => {
      const prefix = `hostile.${kind}`
      await send(hostileMetrics(SCOPES[kind], prefix))
      for (const [name, value] of Object.entries(EXPECTED))
        await until(async () => (await look[stores[kind]](stack, `${prefix}.${name}`)) === value, {
          what: `${prefix}.${name} in ${stores[kind]}`,
        })
      // They were in the same request: what is not there now does not come.
      for (const name of DROPPED)
        expect(await look[stores[kind]](stack, `${prefix}.${name}`), name).toBe(undefined)
      const labels = await labelsInStores(stack)
      expect(labels).toContain('cologne')
      expect(labels).not.toContain(PLANTED)
      if (stores[kind] === 'cloudwatch') {
        const points = await lookups.cloudWatchPoints(stack.urls.cloudwatch)
        expect(points.find(({ name }) => name === `${prefix}.orders`)?.exemplars[0]).toMatchObject({
          traceId: '5b8efff798038103d269b633813fc60c',
          labels: { 'correlation.id': 'order-4711' },
        })
      }
    },
  )

  test('the Collector is alive and says what it left out', async () => {
    const page = await (await fetch(stack.urls.collectorMetrics)).text()
    const left = /^otelcol_processor_filter_datapoints_filtered\{[^}]*filter="filter\/points"[^}]*\} (\d+)/m
    expect(Number(left.exec(page)?.[1]), page.match(/.*datapoints_filtered.*/g)?.join('\n')).toBeGreaterThan(
      0,
    )
  })
})
