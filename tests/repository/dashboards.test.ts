import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { perOperation } from '../../packages/recorder/src/value/model.js'
import { queriesOf } from '../e2e/support/dashboards-page.js'
import {
  allOf,
  type Dashboard,
  dashboards,
  files,
  interpolate,
  type Source,
  targetsOf,
} from '../support/dashboards.js'
import { documentedSeries, metricsIn } from './series.js'
import { read, root } from './workspace.js'

const run = promisify(execFile)

/** What a script writes into an empty folder. */
async function generated(script: string, names: readonly string[]): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-generated-'))
  try {
    await run(process.execPath, [join(root, script), folder])
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
    return Object.fromEntries(names.map((name, at) => [name, texts[at]!]))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

test('the dashboards of Grafana are what their code makes', async () => {
  const names = files()
  expect(names).toEqual(['business.json', 'jobs.json', 'operations.json', 'pipeline.json'])
  for (const [name, text] of Object.entries(await generated('deploy/grafana/generate.ts', names)))
    expect(
      read(`deploy/grafana/dashboards/${name}`) === text,
      `${name}: node deploy/grafana/generate.ts`,
    ).toBe(true)
})

const provisioned = (
  parse(read('deploy/grafana/provisioning/datasources/throughline.yaml')) as {
    datasources: { uid: string; type: string; jsonData: Record<string, unknown> }[]
  }
).datasources

describe.each(Object.entries(dashboards))('the dashboard %s', (name, dashboard) => {
  const panels = dashboard.panels.filter(({ type }) => type !== 'row')
  const variables = dashboard.templating.list

  test('has an identity, a description and the variables of its data sources, which are provisioned', () => {
    expect(dashboard.uid).toMatch(/^throughline-[a-z]+$/)
    expect(dashboard.description).toBeTruthy()
    for (const { name, type, query, current } of variables.filter(({ type }) => type === 'datasource')) {
      const source = provisioned.find(({ uid }) => uid === current?.value)
      expect(source?.type, `${name} ${type}`).toBe(query)
    }
  })

  test('has panels with an ID of their own, a title, a description, a unit and a data source', () => {
    const ids = dashboard.panels.map(({ id }) => id)
    expect(ids.every(Number.isInteger)).toBe(true)
    expect(new Set(ids).size).toBe(ids.length)
    const titles = panels.map(({ title }) => title)
    expect(titles.length).toBeGreaterThan(10)
    expect(new Set(titles).size).toBe(titles.length)
    for (const panel of panels) {
      expect(panel.title).toBeTruthy()
      expect(panel.description, panel.title).toMatch(/^[A-Z0-9].+\.$/)
      expect(panel.fieldConfig?.defaults.unit, panel.title).toBeTruthy()
      expect(known(dashboard, panel.datasource), panel.title).toBe(true)
      expect(panel.targets?.length, panel.title).toBeGreaterThan(0)
      for (const target of panel.targets ?? [])
        expect(target.datasource, panel.title).toEqual(panel.datasource)
      const letters = panel.targets?.map(({ refId }) => refId)
      expect(new Set(letters).size).toBe(letters?.length)
    }
  })

  test('lays its panels out without a gap beside or an overlap', () => {
    const cells = new Set<string>()
    for (const { gridPos, title } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(cells.has(`${x},${y}`), title).toBe(false)
          cells.add(`${x},${y}`)
        }
    }
    const rows = new Set([...cells].map((cell) => cell.split(',')[1]))
    expect(cells.size).toBe(24 * rows.size)
  })

  test('uses the variables that it has, and has none that it does not use', () => {
    const all = allOf(dashboard)
    const window = { from: new Date(0), until: new Date() }
    for (const { where, query } of targetsOf(name))
      expect(interpolate(query, all, window), where).toBeTruthy()
    for (const { query } of variables) if (typeof query === 'object') interpolate(query.query, all, window)
    const text = JSON.stringify(dashboard)
    for (const { name: variable } of variables)
      expect(text.includes(`$${variable}`) || text.includes(`\${${variable}`), variable).toBe(true)
  })

  test('asks for metrics that docs/reference/metrics.md has', () => {
    const documented = documentedSeries()
    const own = new Set(['up', 'ALERTS'])
    const queries = [
      ...targetsOf(name).filter(({ kind }) => kind === 'prometheus'),
      ...dashboard.annotations.list.map(({ name, target }) => ({ where: name, query: target.expr })),
      ...variables.flatMap(({ name, query }) =>
        typeof query === 'object'
          ? [{ where: name, query: query.query.replace(/^label_values\((.+), \w+\)$/, '$1') }]
          : [],
      ),
    ]
    for (const { where, query } of queries) {
      const { names, patterns } = metricsIn(
        interpolate(query, allOf(dashboard), { from: new Date(0), until: new Date(3_600_000) }),
      )
      expect(names.length + patterns.length, where).toBeGreaterThan(0)
      for (const one of names)
        expect(documented.has(one) || own.has(one) || one.startsWith('business_'), `${where}: ${one}`).toBe(
          true,
        )
      for (const pattern of patterns) {
        const like = new RegExp(`^(?:${pattern})$`)
        const business = like.test('business_allocation_value_total') || like.test('business_value_savings')
        expect(business || [...documented].some((one) => like.test(one)), `${where}: ${pattern}`).toBe(true)
      }
    }
  })

  test('groups and selects by no identifier of a call', () => {
    for (const { where, query, kind } of targetsOf(name))
      if (kind === 'prometheus') expect(query, where).not.toMatch(/correlation|user_id|trace_id|span_id/)
  })

  test('links to pages that the console has', () => {
    const pages = new Set(
      [...read('packages/recorder/console/app.tsx').matchAll(/case '([a-z]*)':/g)].map(([, page]) => page),
    )
    const links = [...JSON.stringify(dashboard).matchAll(/\$\{console\}\/#\/([a-z]*)/g)].map(
      ([, page]) => page,
    )
    expect(links.length).toBeGreaterThan(0)
    for (const page of links) expect(pages.has(page), page).toBe(true)
  })
})

test('links to Jaeger are ones that Explore can read', () => {
  const links = [...JSON.stringify(dashboards.operations).matchAll(/"(\/explore\?[^"]+)"/g)].map(
    ([, link]) => link!,
  )
  expect(links.length).toBeGreaterThan(2)
  for (const link of links) {
    const filled = link.replace(/\$\{[\w.]+\}/g, 'x')
    const panes = JSON.parse(new URL(filled, 'http://grafana').searchParams.get('panes') ?? '') as {
      a: { datasource: string; queries: { datasource: Source }[]; range: object }
    }
    expect(panes.a).toMatchObject({
      datasource: 'x',
      queries: [{ datasource: { type: 'jaeger', uid: 'x' } }],
    })
    expect(panes.a.range).toEqual({ from: 'x', to: 'x' })
  }
})

/** One of the dashboard's own variables of data sources. */
function known(dashboard: Dashboard, source: Source | undefined): boolean {
  const [, name] = /^\$\{(\w+)\}$/.exec(source?.uid ?? '') ?? []
  return dashboard.templating.list.some(
    (variable) => variable.type === 'datasource' && variable.name === name && variable.query === source?.type,
  )
}

describe('the data sources', () => {
  test('lead from an exemplar to the trace in Jaeger and to the story in the console', () => {
    const links = provisioned.find(({ type }) => type === 'prometheus')?.jsonData.exemplarTraceIdDestinations
    const jaeger = provisioned.find(({ type }) => type === 'jaeger')?.uid
    expect(links).toMatchObject([
      { name: 'trace_id', datasourceUid: jaeger },
      {
        name: 'correlation_id',
        url: expect.stringMatching(/^\$\{THROUGHLINE_CONSOLE_URL\}\/#\/id\/\$\$\{__value\.raw\}$/),
      },
    ])
  })

  test('have their variables in the README, and it has no other', () => {
    const used = read('deploy/grafana/provisioning/datasources/throughline.yaml').matchAll(
      /\$\{(THROUGHLINE_\w+)\}/g,
    )
    const listed = read('deploy/grafana/README.md').matchAll(/^\| `(THROUGHLINE_\w+)` \|/gm)
    const names = (found: Iterable<RegExpMatchArray>) =>
      [...new Set([...found].map(([, name]) => name))].sort()
    expect(names(listed)).toEqual(names(used))
  })
})

test('docs/dashboards.md has every panel with its query, and what was seen of each', () => {
  const found = queriesOf(read('docs/dashboards.md'))
  const wanted = Object.keys(dashboards).flatMap((name) =>
    targetsOf(name).map(({ where, query }) => ({ where, query })),
  )
  expect(found.map(({ where, query }) => ({ where, query }))).toEqual(wanted)
  expect(found.filter(({ seen }) => seen.startsWith('Seen: not yet')).map(({ where }) => where)).toEqual([])
})

describe('the dashboards of CloudWatch', () => {
  interface Widget {
    x: number
    y: number
    width: number
    height: number
    type: string
    properties: { metrics?: { expression: string }[][] }
  }
  interface OmniPanel {
    type: string
    layout: { x: number; y: number; w: number; h: number }
    config: { queryString: string; queryLanguage: string; visualization: string }
  }
  const names = ['dashboard.json', 'omni-dashboard.json'] as const
  const classic = JSON.parse(read('deploy/cloudwatch/dashboard.json')) as { widgets: Widget[] }
  const omni = JSON.parse(read('deploy/cloudwatch/omni-dashboard.json')) as { panels: OmniPanel[] }
  const searches = classic.widgets.flatMap(({ properties }) => (properties.metrics ?? []).flat())
  const metrics = (texts: string[]) =>
    [...texts.join('\n').matchAll(/"(business\.[a-z_.]+)"/g)].map(([, name]) => name)

  test('are what their code makes', async () => {
    for (const [name, text] of Object.entries(await generated('deploy/cloudwatch/generate.ts', names)))
      expect(read(`deploy/cloudwatch/${name}`) === text, `${name}: node deploy/cloudwatch/generate.ts`).toBe(
        true,
      )
  })

  test('ask for business metrics that the example has, in both languages for the same counters', () => {
    const classicNames = metrics(searches.map(({ expression }) => expression))
    const omniNames = metrics(omni.panels.map(({ config }) => config.queryString))
    const figures = (name: string | undefined) => name!.startsWith('business.value.')
    expect(new Set(classicNames)).toEqual(new Set(omniNames.filter((name) => !figures(name))))
    expect(omniNames.some(figures)).toBe(true)
    const source = read('examples/dyno-allocation/src/allocation-service.ts')
    for (const name of [...classicNames, ...omniNames.filter((name) => !classicNames.includes(name))]) {
      const short = name!.replace(/^business\./, '')
      expect(
        source.includes(`'${short}'`) ||
          [...perOperation, 'active_users'].includes(short.replace('value.', '')),
        name,
      ).toBe(true)
    }
    expect(JSON.stringify([classic, omni])).not.toMatch(/correlation|trace_id|user_id/)
  })

  test('search the namespace that the Collector writes to, for metrics that it declares', () => {
    const collector = read('otel-collector/contrib/cloudwatch-classic.yaml')
    const [, namespace] = /THROUGHLINE_EMF_NAMESPACE:-(\w+)\}/.exec(collector) ?? []
    for (const { expression } of searches) expect(expression).toContain(`Namespace="${namespace}"`)
    for (const name of metrics(searches.map(({ expression }) => expression)))
      expect(collector).toContain(name!.replaceAll('.', '\\.'))
  })

  test('fit on their grids', () => {
    for (const { x, width, type } of classic.widgets) {
      expect(x + width).toBeLessThanOrEqual(24)
      expect(['metric', 'text']).toContain(type)
    }
    for (const { layout, config } of omni.panels) {
      expect(layout.x + layout.w).toBeLessThanOrEqual(60)
      expect(config).toMatchObject({
        queryLanguage: 'promql',
        visualization: expect.stringMatching(/^(?:line|number)$/),
      })
    }
  })
})
