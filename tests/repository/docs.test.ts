import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { binariesStatus, overrideVariable } from '../../packages/cli/src/binaries/ensure.js'
import { codes as cliCodes } from '../../packages/cli/src/errors.js'
import { portVariable, resolvePorts } from '../../packages/cli/src/stack/ports.js'
import { columns } from '../../packages/postgres/src/columns.js'
import { codes as postgresCodes } from '../../packages/postgres/src/errors.js'
import { codes as recorderCodes } from '../../packages/recorder/src/errors.js'
import { settingsOf } from '../../packages/recorder/src/options.js'
import { DURATION_BOUNDS } from '../../packages/sdk/src/metrics/buckets.js'
import { readConfig } from '../../packages/sdk/src/options.js'
import { pages } from './blocks/collect.js'
import { filesBelow, read, root, shippedSources } from './workspace.js'

const page = (name: string) => read(`docs/reference/${name}.md`)

/** What stands in backticks in the first column of a page's tables, in order. */
const firstColumn = (text: string, like: RegExp) =>
  [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name as string).filter((name) => like.test(name))

const matchesIn = (paths: string[], pattern: RegExp) =>
  new Set(paths.flatMap((path) => [...read(path).matchAll(pattern)].map(([whole, group]) => group ?? whole)))

const sorted = (names: Iterable<string>) => [...new Set(names)].sort()

describe('docs/reference/errors.md', () => {
  const documented = firstColumn(page('errors'), /^TL_/)

  test('has each error code of the packages, and no other', () => {
    const declared = matchesIn(
      shippedSources().filter((path) => /^packages\/.*\/errors\.ts$/.test(path)),
      /\bTL_[A-Z0-9_]+/g,
    )
    expect(documented.length).toBeGreaterThan(20)
    expect(sorted(documented)).toEqual(sorted(declared))
    expect(documented.length, 'each code once').toBe(declared.size)
  })

  test('has each code that is named anywhere in the sources', () => {
    const used = matchesIn(shippedSources(), /\bTL_[A-Z0-9_]+/g)
    expect([...used].filter((code) => !documented.includes(code))).toEqual([])
  })

  test('says of each code what the source says', () => {
    const rows = page('errors').split('\n')
    for (const [code, meaning] of Object.entries({ ...cliCodes, ...postgresCodes, ...recorderCodes }))
      expect(rows.find((row) => row.startsWith(`| \`${code}\` |`))).toContain(`| ${meaning} |`)
  })
})

describe('docs/reference/environment.md', () => {
  const documented = firstColumn(page('environment'), /^(?:THROUGHLINE|OTEL)_/)
  const sources = [...shippedSources(), ...filesBelow('packages/cli/bin')]
  const collector = filesBelow('otel-collector', (path) => path.endsWith('.yaml'))

  test('has each variable that a package, an example or the Collector reads, and no other', async () => {
    const binaries = await binariesStatus({ env: {} })
    const composed = [
      ...Object.keys(resolvePorts({}, {})).map((name) => portVariable(name as 'recorder')),
      ...binaries.map(({ name }) => overrideVariable(name)),
    ]
    // A name that ends in `_` is the beginning of composed ones.
    const spelled = [...matchesIn([...sources, ...collector], /\b(?:THROUGHLINE|OTEL)_[A-Z0-9_]+/g)]
    const read = [...composed, ...spelled.filter((name) => !name.endsWith('_'))]
    expect(documented.length).toBeGreaterThan(40)
    expect(sorted(documented)).toEqual(sorted(read))
  })

  test('knows each place that composes the name of a variable', () => {
    const composing = sources.filter((path) => /\b(?:THROUGHLINE|OTEL)_\w*\$\{/.test(read(path)))
    expect(composing).toEqual(['packages/cli/src/binaries/ensure.ts', 'packages/cli/src/stack/ports.ts'])
  })

  test('has the ports that the local stack takes', () => {
    for (const [name, port] of Object.entries(resolvePorts({}, {})))
      expect(page('environment')).toContain(`| \`${portVariable(name as 'recorder')}\` | \`${port}\` |`)
  })

  test('has the defaults of the Collector', () => {
    for (const path of collector)
      for (const [, name, value] of read(path).matchAll(/\$\{env:(THROUGHLINE_[A-Z0-9_]+):-([^}]*)\}/g))
        expect(page('environment'), path).toContain(`| \`${name}\` | ${value && `\`${value}\` `}|`)
  })

  test('has the defaults of the SDK and of the recorder', () => {
    const sdk = readConfig({}, {})
    const recorder = settingsOf({ databaseUrl: 'postgres://nobody@127.0.0.1/nowhere' })
    const defaults = {
      OTEL_SERVICE_NAME: sdk.serviceName,
      OTEL_EXPORTER_OTLP_ENDPOINT: sdk.tracesUrl.replace('/v1/traces', ''),
      OTEL_METRIC_EXPORT_INTERVAL: sdk.metricsIntervalMs,
      THROUGHLINE_SPOOL_MAX_BYTES: sdk.spoolMaxBytes,
      THROUGHLINE_DURABILITY: sdk.durability,
      THROUGHLINE_METRICS_HOST: sdk.metricsHost,
      THROUGHLINE_SHUTDOWN_TIMEOUT: sdk.shutdownTimeoutMs,
      THROUGHLINE_RECORDER_HOST: recorder.host,
      THROUGHLINE_RECORDER_PORT: recorder.port,
      THROUGHLINE_RECORDER_AUTH: recorder.auth,
      THROUGHLINE_RECORDER_RETENTION_DAYS: recorder.retentionDays,
      THROUGHLINE_RECORDER_MAX_BODY_BYTES: recorder.maxBodyBytes,
      THROUGHLINE_RECORDER_MAX_INFLATED_BYTES: recorder.maxInflatedBytes,
      THROUGHLINE_RECORDER_MAX_PENDING_BYTES: recorder.maxPendingBytes,
    }
    for (const [name, value] of Object.entries(defaults))
      expect(page('environment')).toContain(`| \`${name}\` | \`${value}\` |`)
  })

  test('has each variable that a README names', () => {
    const readmes = ['packages', 'otel-collector', 'examples'].flatMap((folder) =>
      filesBelow(folder, (path) => path.endsWith('.md')),
    )
    const named = matchesIn(readmes, /\b(?:THROUGHLINE|OTEL)_[A-Z0-9_]*[A-Z0-9]\b(?!_)/g)
    expect([...named].filter((name) => !documented.includes(name))).toEqual([])
  })
})

describe('docs/reference/metrics.md', () => {
  const sources = [
    ...filesBelow('packages/sdk/src/metrics', (path) => !path.endsWith('.test.ts')),
    'packages/recorder/src/counters.ts',
  ]

  test('has each metric that the SDK emits and the recorder counts, and no other', () => {
    const emitted = matchesIn(sources, /'(throughline\.[a-z_.]+)'/g)
    expect(emitted.size).toBeGreaterThan(5)
    expect(sorted(firstColumn(page('metrics'), /^throughline\./))).toEqual(sorted(emitted))
  })

  test('has each reason of a notice, and no other', () => {
    const union = (type: string) => {
      const declared = new RegExp(`type ${type} =([\\s\\S]*?)\\n\\n`)
      const bodies = shippedSources().map((path) => declared.exec(read(path))?.[1] ?? '')
      return [...bodies.join('').matchAll(/'([a-z_]+)'/g)].map(([, reason]) => reason as string)
    }
    const reasons = [...union('NoticeReason'), ...union('SdkReason')]
    expect(reasons.length).toBeGreaterThan(10)
    const notices = page('metrics').slice(page('metrics').indexOf('## Notices'))
    expect(firstColumn(notices, /./)).toEqual(sorted(reasons))
  })

  test('names the prefix of business metrics as the source has it', () => {
    const prefixes = matchesIn(shippedSources(), /`([a-z]+\.)\$\{name\}`/g)
    expect([...prefixes]).toEqual(['business.'])
    for (const name of ['metrics', 'record']) expect(page(name)).toMatch(/prefix\s`business\.`/)
  })

  test('leaves the bounds of the histogram to the record, which has those of the source', () => {
    const bounds = /fixed for good.*\n`([^`]+)`/.exec(page('record'))?.[1]?.split(' ').map(Number)
    expect(bounds).toEqual(DURATION_BOUNDS)
    expect([...DURATION_BOUNDS].sort((a, b) => a - b)).toEqual(DURATION_BOUNDS)
  })
})

describe('docs/reference/record.md', () => {
  test('has each column of throughline.operations with its type, and no other', () => {
    const table = page('record').slice(page('record').indexOf('## From span to column'))
    const rows = table.slice(0, table.indexOf('\n\n')).matchAll(/^\| `([a-z_]+)` \| ([a-z0-9]+) \|/gm)
    const documented = [...rows].map(([, name, type]) => `${name} ${type}`)
    const written = columns.map(({ name, type }) => `${name} ${type}`)
    expect(sorted(documented)).toEqual(sorted([...written, 'recorded_at timestamptz']))
  })

  test('has each status that the recorder answers with', () => {
    const answers = page('record').slice(page('record').indexOf('## The answers of'))
    const documented = [...answers.matchAll(/^\| (\d{3})/gm)].map(([, status]) => status as string)
    const said = Object.values(recorderCodes).flatMap((text) => /Answer (\d{3})/.exec(text)?.[1] ?? [])
    expect(sorted(documented)).toEqual(sorted(['200', ...said]))
  })
})

test('the code in the README is a file of the examples, which is compiled', () => {
  const shown = [...read('README.md').matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code as string)
  const sources = filesBelow('examples', (path) => path.endsWith('.ts')).map(read)
  expect(shown.length).toBeGreaterThan(0)
  expect(shown.filter((code) => !sources.some((source) => source.includes(code)))).toEqual([])
})

const linksOf = (path: string): string[] => {
  const prose = read(path).replace(/^( *)```[\s\S]*?^\1```/gm, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target as string)
    .filter((target) => !/^[a-z]+:/.test(target))
}

describe('a link in the documentation', () => {
  test.each(pages)('of %s leads to a file and a heading', (path) => {
    expect(linksOf(path).filter((target) => !leadsSomewhere(path, target))).toEqual([])
  })

  test('leads to every page, by others, from the README or from the list of documents', () => {
    const reached = new Set(['README.md', 'docs/README.md'])
    for (const path of reached)
      for (const target of linksOf(path)) {
        const to = join(dirname(path), target.split('#')[0] ?? '')
        if (pages.includes(to)) reached.add(to)
      }
    // Those two are made, and read, by a tool.
    const made = /^\.changeset\/(?!README)|^packages\/.*\/CHANGELOG/
    const alone = pages.filter((path) => !reached.has(path) && !made.test(path))
    expect(alone).toEqual([])
  })
})

function leadsSomewhere(from: string, target: string): boolean {
  const [file = '', anchor] = target.split('#')
  const path = file === '' ? from : join(dirname(from), file)
  if (!existsSync(join(root, path))) return false
  if (anchor === undefined || !path.endsWith('.md')) return true
  const headings = [...read(path).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => slug(heading as string))
  return headings.includes(anchor)
}

/** As GitHub makes it: lower case, punctuation left out, spaces to hyphens. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')
}
