import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { collectorOf, type Way } from '../../packages/cli/src/collector-lint/collector.js'
import {
  at,
  itemsAt,
  readCollector,
  scalarAt,
  scalarsBelow,
} from '../../packages/cli/src/collector-lint/document.js'
import { lintCollector } from '../../packages/cli/src/collector-lint/lint.js'
import { filesBelow, read, root } from './workspace.js'

const folder = 'otel-collector'
const files = filesBelow(folder, (path) => path.endsWith('.yaml') && !path.includes('/distribution/'))

/** The command lines of the README, those for the contrib image too: the files of each. */
const combinations = [
  ...read(`${folder}/README.md`).matchAll(/^otelcol(?:-contrib)?((?: --config \S+\.yaml)+)$/gm),
].map(([, line = '']) => line.replaceAll(' --config ', ' ').trim())
const pathsOf = (line: string) => line.split(' ').map((name) => join(root, folder, name))

const STEPS = ['transform/identifiers', 'filter/points', 'transform/merge']

test('each file stands in a combination of the README', () => {
  expect(combinations.length).toBeGreaterThan(8)
  const named = combinations.join(' ').split(' ')
  expect(files.filter((path) => !named.includes(path.slice(folder.length + 1)))).toEqual([])
})

const collectorIn = (line: string) => collectorOf(readCollector(pathsOf(line)))
const waysOf = (line: string, carries: Way['carries']) =>
  collectorIn(line).ways.filter((way) => way.carries === carries)

test.each(combinations)('%s loses neither data nor money', (line) => {
  expect(lintCollector(pathsOf(line))).toEqual([])
})

// An agent hands metrics on to a gateway, which is a profile.
test.each(combinations.filter((line) => !line.includes('agent')))(
  '%s keeps identifiers out of every store of metrics',
  (line) => {
    const ways = waysOf(line, 'metrics')
    expect(ways.length).toBeGreaterThan(0)
    for (const { exporter, processors } of ways) {
      const order = processors.map(({ id }) => id).filter((id) => STEPS.includes(id))
      expect(order, exporter.id).toEqual(STEPS)
    }
  },
)

test.each(combinations)('%s samples and batches on the way to Jaeger alone', (line) => {
  const before = (carries: Way['carries']) => waysOf(line, carries).flatMap(({ processors }) => processors)
  for (const carries of ['records', 'metrics'] as const)
    expect(before(carries).filter(({ type }) => /batch|sampl|group/.test(type))).toEqual([])
  expect(waysOf(line, 'records').length).toBe(1)
  if (line.includes('tail-sampling')) {
    const types = before('pictures').map(({ type }) => type)
    expect(types).toEqual(['memory_limiter', 'filter', 'tail_sampling', 'batch'])
  }
})

describe('what is taken out of metrics', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'throughline-identifiers-'))
  afterAll(() => rmSync(scratch, { recursive: true, force: true }))

  const statements = scalarsBelow(
    at(readCollector([join(root, folder, 'base.yaml')]), 'processors', 'transform/identifiers'),
  ).map(({ raw }) => raw)
  const patternOf = (path: string) => {
    const found = statements.map((one) =>
      new RegExp(`^delete_matching_keys\\(${path}\\.attributes, "\\(\\?i\\)(.*)"\\)$`).exec(one),
    )
    return new RegExp(found.find((one) => one !== null)?.[1] ?? 'missing', 'i')
  }
  const [points, scopes, resources] = ['datapoint', 'scope', 'resource'].map(patternOf) as [
    RegExp,
    RegExp,
    RegExp,
  ]

  /** Whether the linter would refuse it as a dimension. */
  const refused = (name: string) => {
    const file = join(scratch, 'emf.yaml')
    const entry = `{dimensions: [["${name}"]], metric_name_selectors: [x]}`
    writeFileSync(
      file,
      `receivers: {otlp: {}}
exporters: {awsemf: {dimension_rollup_option: NoDimensionRollup, metric_declarations: [${entry}]}}
service: {pipelines: {metrics: {receivers: [otlp], exporters: [awsemf]}}}
`,
    )
    return lintCollector([file]).some(({ rule }) => rule === 'identifier-as-label')
  }

  const identifiers =
    'correlation.id correlation_id correlationId X-Correlation-ID user.id user_id userId enduser.id customer-id trace_id traceId ' +
    'span.id request.id session_id messaging.message.id execution_id job.id container.id orderId http.request.header.x-request-id'
  test.each(identifiers.split(' '))('%s, which the linter refuses as a dimension too', (name) => {
    expect(points.test(name)).toBe(true)
    expect(scopes.test(name)).toBe(true)
    expect(refused(name)).toBe(true)
  })

  test.each(['enduser.pseudo.id', 'enduser.role', 'user.email', 'user.name', 'user.full_name', 'user.hash'])(
    'and %s, which says who somebody is',
    (name) => {
      expect(points.test(name) && scopes.test(name) && resources.test(name)).toBe(true)
    },
  )

  test.each(
    'site currency grid valid outcome error.type user.roles user_agent.original http.route service.instance.id idle'.split(
      ' ',
    ),
  )('%s stays', (name) => {
    expect(points.test(name) || resources.test(name)).toBe(false)
    expect(refused(name)).toBe(false)
  })

  test('of a resource the request and the person, not the job and the container', () => {
    expect(['correlation.id', 'user.id', 'trace_id'].every((name) => resources.test(name))).toBe(true)
    expect(['container.id', 'job.id', 'host.id'].some((name) => resources.test(name))).toBe(false)
  })

  test('no label of our own metrics', () => {
    const rows = read('docs/reference/metrics.md').matchAll(/^\| `[\w.]+` \| [^|]*\| [^|]*\| ([^|]*)\|/gm)
    const labels = [...rows].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([\w.]+)`/g)].map(([, name = '']) => name),
    )
    expect(labels).toContain('operation.name')
    expect(labels.filter((name) => points.test(name))).toEqual([])
  })
})

describe('classic CloudWatch metrics', () => {
  const merged = readCollector(
    ['base.yaml', 'profiles/hybrid.yaml', 'contrib/cloudwatch-classic.yaml'].map((name) =>
      join(root, folder, name),
    ),
  )
  const awsemf = at(merged, 'exporters', 'awsemf')

  test('are billed once, and the resource is no dimension', () => {
    expect(scalarAt(awsemf, 'dimension_rollup_option')?.text).toBe('NoDimensionRollup')
    expect(scalarAt(awsemf, 'resource_to_telemetry_conversion', 'enabled')?.text).toBe('false')
  })

  test('have the dimensions that are declared, one set for each metric, and no identifier among them', () => {
    const declared = itemsAt(awsemf, 'metric_declarations')
    expect(declared.length).toBeGreaterThan(0)
    for (const one of declared) {
      expect(itemsAt(one, 'dimensions').length).toBe(1)
      // Anchored at both ends: a second metric would come in by the first part of its name.
      for (const { raw } of itemsAt(one, 'metric_name_selectors').flatMap(scalarsBelow))
        expect(raw).toMatch(/^\^business\\\..*\$$/)
    }
    const names = declared.flatMap((one) => itemsAt(one, 'dimensions')).flatMap(scalarsBelow)
    expect(names.map(({ raw }) => raw).filter((name) => /id$/i.test(name))).toEqual([])
  })

  test('come from a queue on disk that repeats without end, at most 100 metrics at a time', () => {
    const queue = at(merged, 'exporters', 'otlp_grpc/emf')
    expect(scalarAt(queue, 'sending_queue', 'storage')?.text).toBe('file_storage/metrics')
    expect(scalarAt(queue, 'retry_on_failure', 'max_elapsed_time')?.text).toBe('0')
    expect(Number(scalarAt(queue, 'sending_queue', 'batch', 'max_size')?.text)).toBeLessThanOrEqual(100)
    const { pipelines } = collectorOf(merged)
    const last = pipelines.find(({ exporters }) => exporters.some(({ id }) => id === 'awsemf'))
    expect(last?.receivers.map(({ id }) => id)).toEqual(['otlp/emf'])
    const receiver = at(merged, 'receivers', 'otlp/emf', 'protocols', 'grpc')
    expect(scalarAt(receiver, 'endpoint')?.raw).toBe(scalarAt(queue, 'endpoint')?.raw)
  })
})

test('files for the contrib image say that they were not run', () => {
  for (const path of files.filter((name) => name.includes('/contrib/'))) {
    expect(read(path), path).toMatch(/contrib:0\.155\.0/)
    expect(read(path), path).toMatch(/never\s(?:#\s)?run\s(?:#\s)?here/)
  }
})

test('the manifest of our build has each component that our files use, and no other', () => {
  const manifest = parse(read(`${folder}/distribution/builder.yaml`)) as Record<string, { gomod: string }[]>
  const built = ['receivers', 'processors', 'connectors', 'exporters', 'extensions'].flatMap((section) =>
    manifest[section]!.map(({ gomod }) => gomod.split(' ')[0]!.split('/').at(-1)!.toLowerCase()),
  )
  const module: Record<string, string> = {
    otlp: 'otlpreceiver',
    otlp_http: 'otlphttpexporter',
    otlp_grpc: 'otlpexporter',
    file_storage: 'filestorage',
    health_check: 'healthcheckextension',
    bearertokenauth: 'bearertokenauthextension',
    sigv4auth: 'sigv4authextension',
    routing: 'routingconnector',
  }
  const used = files
    .filter((path) => !path.includes('/contrib/'))
    .flatMap((path) => {
      const config = parse(read(path)) as Record<string, Record<string, unknown> | undefined>
      return ['receivers', 'processors', 'connectors', 'exporters', 'extensions'].flatMap((section) =>
        Object.keys(config[section] ?? {}).map((id) => id.split('/')[0]!),
      )
    })
  const modules = used.map((type) => module[type] ?? `${type.replaceAll('_', '')}processor`)
  expect([...new Set(modules)].sort()).toEqual([...built].sort())
})
