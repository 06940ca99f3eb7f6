import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { lookups, type Stack, until } from '@throughline/cli'
import { createClient } from '@throughline/recorder/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Services, startServices } from '../../examples/dyno-allocation/src/demo/services.js'
import { allocateOnce, drive } from '../../examples/dyno-allocation/src/demo/traffic.js'
import { slo } from '../../packages/cli/src/commands/slo.js'
import {
  allOf,
  type Dashboard,
  dashboards,
  interpolate,
  ofContainers,
  targetsIn,
  targetsOf,
} from '../support/dashboards.js'
import { writePage } from './support/dashboards-page.js'
import { postJson, traceRequest } from './support/otlp-json.js'
import { answerOf, exemplarsOf, lastHour, type Seen, valuesOf } from './support/panel-answers.js'
import { atEnd, testStack } from './support/test-stack.js'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const program = fileURLToPath(new URL('./support/queue-program.mjs', import.meta.url))
const register = pathToFileURL(createRequire(import.meta.url).resolve('@throughline/sdk/register')).href

const seen = new Map<string, Seen[]>()
const valueModel = at('../../examples/dyno-allocation/value.yaml')
let stack: Stack
let services: Services
let objectives: Dashboard

beforeAll(async () => {
  const made = await sloFiles()
  objectives = JSON.parse(await readFile(made.dashboard, 'utf8')) as Dashboard
  stack = await testStack({
    profile: 'prometheus',
    ruleFiles: [at('../../deploy/prometheus/*.yaml'), made.rules],
    valueModel,
  })
  await Promise.all([stack.startJaeger(), stack.startPrometheus(), stack.startCollector()])
  services = await startServices(stack, 'collector')
  await stack.startProgram({
    name: 'queue',
    url: `http://127.0.0.1:${stack.ports.jobs}`,
    healthUrl: `http://127.0.0.1:${stack.ports.jobs}/`,
    command: process.execPath,
    args: ['--import', register, program],
    ports: ['jobs'],
    env: {
      PORT: String(stack.ports.jobs),
      OTEL_SERVICE_NAME: 'thumbnails',
      OTEL_METRIC_EXPORT_INTERVAL: '2000',
      OTEL_EXPORTER_OTLP_ENDPOINT: stack.otlpUrl,
      THROUGHLINE_SPOOL_DIR: `${stack.dir}/spool`,
    },
  })
  // For long enough that every counter is seen to grow between two exports and between two scrapes.
  const ended = Date.now() + 12_000
  for (let round = 0; Date.now() < ended; round += 1)
    await drive({ url: services.url, count: 60, prefix: `dashboards-${round}` })
  // A record that can never be a row: its day is gone.
  const old = traceRequest({ startMs: Date.now() - 4_000 * 86_400_000 })
  expect((await postJson(`${stack.otlpUrl}/v1/traces`, old.body)).status).toBe(200)
  // What is refused, replaced and unknown.
  await allocateOnce(services.url, 'not an ID', 0)
  expect((await fetch(`${stack.recorderUrl}/v1/status`)).status).toBe(401)
  expect((await postJson(`${stack.recorderUrl}/v1/traces`, old.body, 'tl_ingest_unknown')).status).toBe(503)
})

afterAll(async () => {
  await writePage(seen)
})

/** What `throughline slo generate` makes of the example's objectives; the rules are evaluated each second instead of each minute. */
async function sloFiles(): Promise<{ rules: string; dashboard: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-slo-'))
  atEnd(() => rm(folder, { recursive: true, force: true }))
  const [rules, dashboard] = [join(folder, 'slo.yaml'), join(folder, 'slo.json')]
  expect(await slo(['generate', '--model', valueModel, '--rules', rules, '--dashboard', dashboard])).toBe(0)
  await writeFile(rules, (await readFile(rules, 'utf8')).replace(/^( +interval: ).*$/gm, '$11s'))
  return { rules, dashboard }
}

describe.each(Object.keys(dashboards))('the dashboard %s', (name) => {
  const dashboard = dashboards[name]!
  const all = allOf(dashboard)

  test('has an answer to every query, without an error', async () => {
    const open = new Map(targetsOf(name).map((target) => [target.where, target]))
    for (const target of [...open.values()].filter(ofContainers)) open.delete(target.where)
    await until(
      async () => {
        for (const [where, target] of open) {
          const answer = await answerOf(stack, target, all).catch((error: unknown) => String(error))
          if (typeof answer === 'string') return answer
          if (answer.length === 0) continue
          seen.set(where, answer)
          open.delete(where)
        }
        return open.size === 0
      },
      { what: 'an answer to each', deadlineMs: 40_000, everyMs: 1_000 },
    ).catch(() => {})
    expect([...open.keys()]).toEqual([])
  })

  test('has values to choose for each of its variables but those that nobody set, and answers for them', async () => {
    const offered = await valuesOf(stack, dashboard, all)
    // The example sets no deployment.environment.name.
    for (const [variable, values] of Object.entries(offered))
      if (variable !== 'environment') expect(values.length, variable).toBeGreaterThan(0)
    const chosen = Object.fromEntries(Object.entries(offered).filter(([, values]) => values.length > 0))
    for (const target of targetsOf(name).filter((target) => !ofContainers(target)))
      expect((await answerOf(stack, target, { ...all, ...chosen })).length, target.where).toBeGreaterThan(0)
  })

  test('asks for deploys as it should', async () => {
    for (const { target } of dashboard.annotations.list) {
      const query = interpolate(target.expr, all, lastHour())
      expect((await lookups.prometheusQuery(stack.urls.prometheus, query)).length).toBeGreaterThan(0)
    }
  })
})

test.each([
  'operations / Now / Failures A',
  'operations / By operation / Errors by type A',
  'jobs / The queues / Failures by type A',
  'jobs / The queues / Retries and lost workers A',
  'pipeline / Is it well? / Dead letters A',
  'pipeline / Services / Notices A',
  'pipeline / Recorder / Refusals A',
  'pipeline / Recorder / Requests C',
])('what went wrong is more than 0: %s', async (where) => {
  const name = where.split(' / ')[0]!
  const target = targetsOf(name).find((one) => one.where === where)!
  await until(
    async () => {
      const answer = await answerOf(stack, target, allOf(dashboards[name]!))
      seen.set(where, answer)
      return answer.some(({ value }) => Number(value) > 0)
    },
    { what: target.query },
  )
})

test('every chart with points has some: each is a trace in Jaeger and a story in the recorder', async () => {
  const charts = Object.keys(dashboards).flatMap((name) => targetsOf(name).filter(({ exemplar }) => exemplar))
  expect(charts.length).toBeGreaterThan(3)
  const client = createClient({ url: stack.recorderUrl, token: stack.tokens.read })
  for (const chart of charts) {
    const found = await exemplarsOf(stack, chart, allOf(dashboards[chart.dashboard]!))
    expect(found.length, chart.where).toBeGreaterThan(0)
    const { labels } = found.at(-1)!
    // The names that the data source links.
    const { trace_id: traceId, correlation_id: correlationId } = labels
    await until(async () => (await lookups.jaegerTrace(stack.urls.jaeger, traceId!)).spans.length > 0, {
      what: `${traceId} in Jaeger`,
    })
    const { operations } = await client.operations({ correlation_id: correlationId! })
    expect(operations.length, correlationId).toBeGreaterThan(0)
  }
})

test('the IDs in a table lead where their links say', async () => {
  const table = targetsOf('operations').find(({ panel }) => panel.title === 'Newest failures')!
  const [row] = await answerOf(stack, table, allOf(dashboards.operations!))
  const cells = row!.cells!
  await until(
    async () => {
      const { spans } = await lookups.jaegerTrace(stack.urls.jaeger, cells.trace_id!)
      return spans.some(({ service }) => service === cells.service)
    },
    { what: `a span of ${cells.service} in ${cells.trace_id}` },
  )
  const tags = encodeURIComponent(JSON.stringify({ 'correlation.id': cells.correlation_id }))
  const search = `${stack.urls.jaeger}/api/traces?service=${cells.service}&tags=${tags}&limit=5`
  const { data } = (await (await fetch(search)).json()) as { data: { traceID: string }[] }
  expect(data.map(({ traceID }) => traceID)).toContain(cells.trace_id)
})

test('Prometheus, whose language it is, reads the PromQL of the dashboard for CloudWatch', async () => {
  const body = await readFile(at('../../deploy/cloudwatch/omni-dashboard.json'), 'utf8')
  const { panels } = JSON.parse(body) as { panels: { config: { queryString: string } }[] }
  expect(panels.length).toBeGreaterThan(4)
  for (const { config } of panels)
    await expect(
      lookups.prometheusQuery(stack.urls.prometheus, config.queryString),
      config.queryString,
    ).resolves.toEqual([])
})

describe('the objectives of the example', () => {
  const budget = 'throughline:slo_budget_left:ratio{slo="allocation",goal="success"}'
  const value = async (query: string) =>
    (await lookups.prometheusQuery(stack.urls.prometheus, query))[0]?.value
  // The other promise is about time, and this machine is busy.
  const burning = 'ALERTS{alertname="ThroughlineErrorBudgetBurn",alertstate="firing",goal="success"}'
  const goal = async () => {
    const client = createClient({ url: stack.recorderUrl, token: stack.tokens.read })
    const { objectives: found } = await client.performance({ operation: 'AllocationService.autoAllocate' })
    return found[0]!.goals.find(({ kind }) => kind === 'success')!
  }

  test('cost nothing of their budgets while all failures are answers, by the metrics and by the rows', async () => {
    await until(async () => (await value(budget)) === 1, { what: 'a whole budget' })
    expect(await lookups.prometheusQuery(stack.urls.prometheus, burning)).toEqual([])
    const counted = `sum(throughline_operation_duration_seconds_count{operation_name="autoAllocate",error_type!~"NoDynoAvailable|UnknownVehicle"})`
    const rows = await until(
      async () => {
        const one = await goal()
        return one.counted > 0 && one.counted === (await value(counted)) && one
      },
      { what: 'as many rows as the metrics count' },
    )
    expect(rows).toMatchObject({ missed: 0, budgetLeft: 1, burnRate: 0, met: true })
  })

  test('have a dashboard whose every query is answered', async () => {
    const all = allOf(objectives)
    for (const target of targetsIn('objectives', objectives))
      expect((await answerOf(stack, target, all)).length, target.where).toBeGreaterThan(0)
  })

  test('alert when a dependency goes away and the budget burns, with the operation on the alert', async () => {
    await services.catalogue.kill('SIGKILL')
    let week = 0
    const alert = await until(
      async () => {
        await Promise.all(
          Array.from({ length: 20 }, () => {
            week += 1
            return allocateOnce(services.url, `burning-${week}`, week)
          }),
        )
        const query =
          'ALERTS{alertname="ThroughlineErrorBudgetBurn",alertstate="firing",goal="success",burn="14.4"}'
        return (await lookups.prometheusQuery(stack.urls.prometheus, query))[0]
      },
      { what: 'the alert', deadlineMs: 60_000 },
    )
    expect(alert.labels).toMatchObject({
      slo: 'allocation',
      goal: 'success',
      severity: 'critical',
      operation_service: 'AllocationService',
      operation_name: 'autoAllocate',
    })
    expect(await value(budget)).toBeLessThan(0)
    const rows = await until(
      async () => {
        const one = await goal()
        return one.missed > 0 && one
      },
      { what: 'the failures as rows' },
    )
    expect(rows.met).toBe(false)
    expect(rows.budgetLeft).toBeLessThan(0)
    expect(rows.burnRate).toBeGreaterThan(14.4)
  })
})
