import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { ensureBinary } from '../../packages/cli/src/binaries/ensure.js'
import { documentedSeries, metricsIn } from './series.js'
import { filesBelow, read, root } from './workspace.js'

interface Rule {
  alert?: string
  record?: string
  expr: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
}
interface RuleFile {
  groups: { name: string; rules: Rule[] }[]
}
interface TestFile {
  tests: { promql_expr_test: { expr: string; exp_samples: { labels: string }[] }[] }[]
}

const folder = 'deploy/prometheus'
const files = filesBelow(folder, (path) => /^deploy\/prometheus\/[a-z]+\.yaml$/.test(path))
const tests = filesBelow(`${folder}/tests`, (path) => path.endsWith('.yaml'))
const rules = files.flatMap((path) =>
  (parse(read(path)) as RuleFile).groups.flatMap((group) => group.rules.map((rule) => ({ path, ...rule }))),
)
const alerts = rules.filter(({ alert }) => alert !== undefined) as (Rule & { alert: string })[]
const asked = tests.flatMap((path) =>
  (parse(read(path)) as TestFile).tests.flatMap((one) => one.promql_expr_test),
)

let promtool: string
// On a new machine it is being built meanwhile.
beforeAll(async () => {
  promtool = await ensureBinary('promtool')
}, 900_000)

const run = (...args: string[]) => promisify(execFile)(promtool, args, { cwd: join(root, folder) })

test('there are rules for operations, jobs, business and the pipeline', () => {
  expect(files.map((path) => basename(path))).toEqual([
    'business.yaml',
    'jobs.yaml',
    'operations.yaml',
    'pipeline.yaml',
  ])
  expect(alerts.length).toBeGreaterThan(30)
  expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length)
})

test('Prometheus takes the rules', async () => {
  await run('check', 'rules', ...files.map((path) => basename(path)))
})

test('every alert fires and does not fire as its cases say', async () => {
  await run('test', 'rules', ...tests.map((path) => path.slice(folder.length + 1)))
})

/** Of `ALERTS{alertname="A"}` and `ALERTS{alertname=~"A|B"}`. */
function alertsIn(expr: string): string[] {
  const [, names] = /alertname=~?"([^"]+)"/.exec(expr) ?? []
  return names?.split('|') ?? []
}

describe.each(alerts)('$alert', ({ alert, labels, annotations }) => {
  test('has a case in which it fires, and one in which it does not', () => {
    const cases = asked.filter((one) => alertsIn(one.expr).includes(alert))
    expect(cases.some(({ exp_samples }) => exp_samples.length > 0)).toBe(true)
    expect(cases.some(({ exp_samples }) => exp_samples.length === 0)).toBe(true)
  })

  test('has a severity, a summary and a description that names its labels', () => {
    expect(labels?.severity).toMatch(/^(?:critical|warning|info)$/)
    expect(annotations?.summary).toBeTruthy()
    const text = `${annotations?.summary} ${annotations?.description}`
    expect(annotations?.description).toBeTruthy()
    for (const label of ['operation_service', 'operation_name', 'service_name', 'job_queue', 'exporter'])
      if (firingLabels(alert).has(label)) expect(text).toContain(`$labels.${label}`)
  })

  test('has a runbook with its meaning, its impact and three commands', () => {
    const path = annotations?.runbook_url ?? ''
    expect(path).toMatch(/^docs\/runbooks\/[a-z-]+\.md$/)
    const page = read(path)
    expect(page).toContain(`\`${alert}\``)
    for (const heading of ['## Meaning', '## Impact', '## First three commands'])
      expect(page).toContain(heading)
    expect(commandsIn(page)).toHaveLength(3)
    expect(read('docs/runbooks/README.md')).toContain(`(${basename(path)})`)
  })
})

/** The labels of the alert when it fires, of its test. */
function firingLabels(alert: string): Set<string> {
  const samples = asked
    .filter((one) => alertsIn(one.expr).includes(alert))
    .flatMap(({ exp_samples }) => exp_samples)
  return new Set(
    samples.flatMap(({ labels }) => [...labels.matchAll(/(\w+)="/g)].map(([, name]) => name as string)),
  )
}

describe('the commands of the runbooks', () => {
  const pages = filesBelow('docs/runbooks', (path) => path.endsWith('.md') && !path.endsWith('README.md'))
  const main = read('packages/cli/src/main.ts')

  test('each page is the runbook of an alert', () => {
    expect(pages).toEqual(alerts.map(({ annotations }) => annotations?.runbook_url).sort())
  })

  test.each(pages)('of %s are those that there are', (path) => {
    for (const command of commandsIn(read(path))) {
      expect(command).toMatch(/^(?:throughline|psql|curl) /)
      if (!command.startsWith('throughline ')) continue
      const [, name = '', ...words] = command.split(' ')
      expect(main, command).toMatch(new RegExp(`^  '?${name}'?: \\{`, 'm'))
      const source = read(`packages/cli/src/commands/${name}.ts`)
      const shared = read('packages/cli/src/system/database.ts')
      for (const option of words.filter((word) => word.startsWith('--')))
        expect(`${source}${shared}`, command).toContain(option)
    }
  })

  test('ask addresses that the recorder has', () => {
    const api = read('docs/reference/api.md')
    const addresses = pages.flatMap((path) =>
      [...read(path).matchAll(/\$THROUGHLINE_RECORDER_URL(\/[a-z0-9/-]+)/g)].map(
        ([, address]) => address as string,
      ),
    )
    for (const address of new Set(addresses))
      expect(address === '/healthz' || api.includes(`\`GET ${address}\``), address).toBe(true)
  })
})

function commandsIn(page: string): string[] {
  return /```sh\n([\s\S]*?)\n```/.exec(page)?.[1]?.split('\n') ?? []
}

describe('the names in the rules', () => {
  const documented = documentedSeries()
  const recorded = rules.flatMap(({ record }) => record ?? [])
  const expressions = [
    ...rules.map(({ path, alert, record, expr }) => ({ where: `${path}: ${alert ?? record}`, expr })),
    ...filesBelow('docs/runbooks', (path) => path.endsWith('.md')).flatMap((path) =>
      [...read(path).matchAll(/--data-urlencode 'query=(.*)'/g)].map(([, expr]) => ({
        where: path,
        expr: expr as string,
      })),
    ),
  ]

  test.each(expressions)('of $where are in docs/reference/metrics.md', ({ expr }) => {
    const { names, patterns } = metricsIn(expr)
    expect(names.length + patterns.length).toBeGreaterThan(0)
    for (const name of names)
      expect(documented.has(name) || recorded.includes(name) || name === 'up', name).toBe(true)
    for (const pattern of patterns) {
      const like = new RegExp(`^(?:${pattern})$`)
      const business = like.test('business_allocation_value_total')
      expect(business || [...documented].some((name) => like.test(name)), pattern).toBe(true)
    }
  })

  test('no identifier is a label', () => {
    const forbidden = /correlation|user|trace|span_id|job_id|execution|container_id|container_name|instance/
    for (const { path, alert, record, expr, labels } of rules) {
      const grouped = [...expr.matchAll(/\b(?:by|on|group_left|group_right|without)\s*\(([^)]*)\)/g)]
      const matched = [...expr.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, name]) => name as string)
      const names = [
        ...grouped.flatMap(([, list]) => (list as string).split(/\s*,\s*/)),
        ...matched,
        ...Object.keys(labels ?? {}),
      ]
      expect(
        names.filter((name) => forbidden.test(name)),
        `${path}: ${alert ?? record}`,
      ).toEqual([])
    }
    for (const path of [...files, ...tests]) expect(read(path)).not.toMatch(/(?:correlation|user|trace)_id/)
  })
})

test('the README of the rules names the jobs and attributes that they use', () => {
  const readme = readFileSync(join(root, folder, 'README.md'), 'utf8')
  for (const [, job] of read(`${folder}/pipeline.yaml`).matchAll(/job="([^"]+)"/g))
    expect(readme).toContain(`job_name: ${job}`)
  const stack = read('packages/cli/src/stack/prometheus.ts')
  const promoted = /promote_resource_attributes: \[([\s\S]*?)\]/.exec(stack)?.[1]
  for (const [, name] of promoted?.matchAll(/'([a-z.]+)'/g) ?? []) expect(readme).toContain(name)
  expect(existsSync(join(root, 'docs/runbooks/README.md'))).toBe(true)
})
