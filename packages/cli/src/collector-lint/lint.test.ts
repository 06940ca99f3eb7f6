import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { LINT_COLLECTOR_HELP, lintCollectorFiles } from '../commands/lint-collector.js'
import { lintCollector, rules } from './lint.js'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const fixtures = here('../../testing/collector-lint')
const ours = here('../../../../otel-collector')
const guide = readFileSync(here('../../../../docs/guides/lint-collector.md'), 'utf8')

const scratch = mkdtempSync(join(tmpdir(), 'throughline-lint-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

let written = 0
function file(text: string): string {
  const path = join(scratch, `${++written}.yaml`)
  writeFileSync(path, text)
  return path
}

const good = (rule: string) => join(fixtures, rule, 'good.yaml')
/** A fixture with parts of it replaced. */
function variant(rule: string, ...changes: [string, string][]): string {
  let text = readFileSync(good(rule), 'utf8')
  for (const [from, to] of changes) {
    expect(text).toContain(from)
    text = text.replace(from, to)
  }
  return file(text)
}
const found = (...files: string[]) => lintCollector(files).map(({ rule, severity }) => `${severity} ${rule}`)
const lineOf = (path: string, text: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(text)) + 1

describe('our own files', () => {
  const profiles = readdirSync(join(ours, 'profiles'))
  it.each(profiles)('lose neither data nor money: %s', (profile) => {
    expect(lintCollector([join(ours, 'base.yaml'), join(ours, 'profiles', profile)])).toEqual([])
  })

  it('are incomplete without the base, which is said', () => {
    const findings = lintCollector([join(ours, 'profiles/prometheus.yaml')])
    expect(findings.map(({ rule, what }) => `${rule}: ${what}`)).toContain(
      'undefined-component: otlp is used and not defined',
    )
  })
})

/** What is wrong, or, where something is missing, what lacks it. */
const placeOf: Record<string, string> = {
  'undefined-component': 'traces/records: {',
  'buffer-before-queue': 'filter/operations, batch]',
  'sampling-before-records': 'memory_limiter, tail_sampling, filter/operations]',
  'queue-storage': 'sending_queue: {queue_size',
  'queue-fsync': 'file_storage/records: {directory',
  'retry-limit': 'max_elapsed_time: 10m',
  'records-token': 'otlp_http/records:',
  'default-route': 'routing:',
  'sigv4-service': 'sigv4auth: {region',
  'emf-rollup': 'awsemf:',
  'identifier-as-label': 'correlation.id',
}

describe.each(rules)('$name', ({ name, reason, mend }) => {
  it('is silent about a file that is right', () => {
    expect(lintCollector([good(name)])).toEqual([])
  })

  it('finds the fault, with place, reason and mend, and nothing else', () => {
    const bad = join(fixtures, name, 'bad.yaml')
    const [finding, ...more] = lintCollector([bad])
    expect(finding).toMatchObject({ rule: name, severity: 'error', file: bad, reason, mend })
    expect(more).toEqual([])
    expect(readFileSync(bad, 'utf8').split('\n')[finding!.line - 1]).toContain(placeOf[name])
  })

  it('is in the guide', () => {
    expect(guide).toContain(`| \`${name}\` |`)
  })
})

it('there is one rule a file, and a pair of files for each', () => {
  const names = rules.map(({ name }) => name).sort()
  expect(readdirSync(here('rules')).map((path) => path.replace(/\.ts$/, ''))).toEqual(names)
  expect(readdirSync(fixtures).sort()).toEqual(names)
})

describe('files are merged as the Collector does it', () => {
  it('a map key by key: a second file that turns fsync off is the place of the fault', () => {
    const base = good('queue-fsync')
    const over = file('extensions:\n  file_storage/records: {fsync: false}\n')
    expect(lintCollector([base, over])).toMatchObject([{ rule: 'queue-fsync', file: over, line: 2 }])
    expect(lintCollector([over, base])).toEqual([])
  })

  it('a list is replaced: a second file that names its extension alone forgets the storage of the records', () => {
    const base = good('queue-storage')
    const over = file('extensions:\n  health_check: {}\nservice:\n  extensions: [health_check]\n')
    const [finding, ...more] = lintCollector([base, over])
    expect(finding).toMatchObject({ rule: 'queue-storage', file: base, line: lineOf(base, 'sending_queue') })
    expect(finding?.what).toContain('service.extensions')
    expect(more).toEqual([])
  })

  it('a fault of one file is mended by the next', () => {
    const bad = join(fixtures, 'retry-limit', 'bad.yaml')
    const over = file('exporters:\n  otlp_http/records:\n    retry_on_failure: {max_elapsed_time: 0s}\n')
    expect(found(bad)).toEqual(['error retry-limit'])
    expect(found(bad, over)).toEqual([])
  })

  it('anchors, merge keys and variables are read', () => {
    const path = variant(
      'retry-limit',
      ['exporters:\n', 'x: &endless {max_elapsed_time: 0}\nexporters:\n'],
      ['retry_on_failure: {max_elapsed_time: 0}', 'retry_on_failure: {<<: *endless, initial_interval: 1s}'],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the Collector's
      ['fsync: true', 'fsync: "${env:FSYNC:-true}"'],
    )
    expect(found(path)).toEqual([])
  })
})

describe('which way leads to the recorder', () => {
  const bad = '[memory_limiter, filter/operations]'
  const batched: [string, string][] = [
    [bad, '[memory_limiter, filter/operations, batch]'],
    ['  memory_limiter: {', '  batch: {}\n  memory_limiter: {'],
  ]

  it.each([
    ['its address', 'endpoint: http://127.0.0.1:4400', 'scope.name == "x"', 'otlp_http/rows'],
    ['the name of the exporter', 'endpoint: http://gateway', 'scope.name == "x"', 'otlp_http/records'],
    ['the filter', 'endpoint: http://gateway', 'scope.name != "throughline.operations"', 'otlp_http/rows'],
    ['that nothing else does', 'endpoint: http://gateway', 'scope.name == "x"', 'otlp_http/gateway'],
  ])('is known by %s', (_by, endpoint, condition, exporter) => {
    const path = variant(
      'queue-storage',
      ...batched,
      ['endpoint: http://127.0.0.1:4400', endpoint],
      ['scope.name != "throughline.operations"', condition],
      ['otlp_http/records:', `${exporter}:`],
      ['[otlp_http/records]', `[${exporter}]`],
    )
    expect(found(path)).toEqual(['error buffer-before-queue'])
  })

  it('is followed through a connector', () => {
    const path = variant(
      'queue-storage',
      ['  memory_limiter: {', '  batch: {}\n  memory_limiter: {'],
      ['exporters:\n', 'connectors:\n  forward: {}\nexporters:\n'],
      [
        '    traces/records: {receivers: [otlp]',
        '    traces: {receivers: [otlp], processors: [batch], exporters: [forward]}\n    traces/records: {receivers: [forward]',
      ],
    )
    expect(lintCollector([path])).toMatchObject([
      { rule: 'buffer-before-queue', line: lineOf(path, 'processors: [batch]') },
    ])
  })
})

describe('further faults', () => {
  it('of components that go by their older names', () => {
    const path = variant(
      'sampling-before-records',
      ['tail_sampling:', 'tailsampling:'],
      ['[memory_limiter, filter/operations]', '[memory_limiter, tailsampling, filter/operations]'],
      ['[memory_limiter, tail_sampling]', '[memory_limiter, tailsampling]'],
      ['otlp_http/records:', 'otlphttp/records:'],
      ['[otlp_http/records]', '[otlphttp/records]'],
      ['    headers:', '    x-headers:'],
    )
    expect(found(path)).toEqual(['error records-token', 'error sampling-before-records'])
  })

  it.each([
    [
      'a queue that is turned off',
      'queue-storage',
      'sending_queue: {storage: file_storage/records}',
      'sending_queue: {enabled: false}',
      'error queue-storage',
    ],
    ['no repeating at all', 'retry-limit', '{max_elapsed_time: 0}', '{enabled: false}', 'error retry-limit'],
    [
      'no word of repeating: five minutes',
      'retry-limit',
      '    retry_on_failure: {max_elapsed_time: 0}\n',
      '',
      'error retry-limit',
    ],
    [
      'metrics that are in memory alone',
      'sigv4-service',
      'sending_queue: {storage: file_storage/metrics}',
      'sending_queue: {}',
      'warning queue-storage',
    ],
    [
      'metrics that are given up after a while',
      'sigv4-service',
      '{max_elapsed_time: 0}',
      '{max_elapsed_time: 1h}',
      'warning retry-limit',
    ],
    ['no signature', 'sigv4-service', '    auth: {authenticator: sigv4auth}\n', '', 'error sigv4-service'],
    [
      'a signature for another service',
      'sigv4-service',
      'service: monitoring',
      'service: logs',
      'error sigv4-service',
    ],
    ['default_pipelines without any', 'default-route', '[metrics/rest]', '[]', 'error default-route'],
    ['the other roll-up', 'emf-rollup', 'NoDimensionRollup', 'SingleDimensionRollupOnly', 'error emf-rollup'],
  ])('%s', (_name, rule, from, to, expected) => {
    expect(found(variant(rule, [from, to]))).toEqual([expected])
  })

  it('an identifier that a processor or a connector makes a label', () => {
    const path = variant(
      'identifier-as-label',
      [
        'receivers:\n',
        'connectors:\n  spanmetrics: {dimensions: [{name: site}, {name: user.id}]}\nreceivers:\n',
      ],
      [
        'exporters:\n',
        'processors:\n  attributes: {actions: [{key: trace_id, action: upsert, value: x}, {key: user.id, action: delete}]}\n' +
          '  transform: {metric_statements: [\'set(datapoint.attributes["job.id"], "x")\', \'set(datapoint.attributes["job.type"], "x")\']}\nexporters:\n',
      ],
      ['receivers: [otlp], ', 'receivers: [otlp], processors: [attributes, transform], '],
    )
    expect(lintCollector([path]).map(({ what }) => what)).toEqual([
      'spanmetrics makes a label of user.id',
      'attributes makes a label of trace_id',
      'transform makes a label of job.id',
    ])
  })
})

describe('throughline lint-collector', () => {
  async function run(...args: string[]): Promise<{ code: number; out: string }> {
    let out = ''
    const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out += text
      return true
    })
    onTestFinished(() => spy.mockRestore())
    const code = await lintCollectorFiles(args)
    spy.mockRestore()
    return { code, out }
  }
  const bad = join(fixtures, 'retry-limit', 'bad.yaml')

  it('says file, line, reason and mend, and ends with 1', async () => {
    const { code, out } = await run(bad)
    expect(code).toBe(1)
    expect(out).toContain(
      `${bad}:${lineOf(bad, 'max_elapsed_time')} error retry-limit: otlp_http/records gives up after 10m`,
    )
    expect(out).toMatch(/why .*five minutes/)
    expect(out).toMatch(/mend .*max_elapsed_time: 0/)
    expect(out).toContain('1 error, 0 warnings')
  })

  it('ends with 0 when there is nothing, and with warnings alone', async () => {
    expect(await run('--config', good('retry-limit'))).toMatchObject({ code: 0 })
    const warned = variant('sigv4-service', ['{max_elapsed_time: 0}', '{max_elapsed_time: 1h}'])
    expect(await run(warned)).toMatchObject({ code: 0, out: expect.stringContaining('0 errors, 1 warning') })
  })

  it('--json is an array of findings', async () => {
    const { code, out } = await run(bad, '--json')
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject([{ rule: 'retry-limit', severity: 'error', file: bad }])
  })

  it.each([
    ['no file', []],
    ['a file that is not there', [join(scratch, 'none.yaml')]],
    ['a file that is no YAML', [file('a: [1')]],
    ['a file that is no map', [file('- a')]],
  ])('refuses %s', async (_what, args) => {
    await expect(lintCollectorFiles(args)).rejects.toMatchObject({ code: 'TL_USAGE' })
  })

  it('says in its help what it does with several files', () => {
    expect(LINT_COLLECTOR_HELP).toMatch(/key by key, lists are replaced/)
  })
})
