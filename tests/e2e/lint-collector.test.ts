import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ensureBinary } from '../../packages/cli/src/binaries/ensure.js'
import { at, readCollector, scalarAt, scalarsBelow } from '../../packages/cli/src/collector-lint/document.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const fixtures = join(root, 'packages/cli/testing/collector-lint')
const base = join(root, 'otel-collector/base.yaml')
const profile = join(root, 'otel-collector/profiles/prometheus.yaml')

let binary: string
let folder: string
beforeAll(async () => {
  binary = await ensureBinary('otelcol')
  folder = mkdtempSync(join(tmpdir(), 'throughline-lint-e2e-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function collector(command: string, files: string[]): Promise<string> {
  const env = {
    PATH: process.env.PATH,
    THROUGHLINE_COLLECTOR_STORAGE: folder,
    AWS_ACCESS_KEY_ID: 'validate-only',
    AWS_SECRET_ACCESS_KEY: 'validate-only',
  }
  const configs = files.flatMap((file) => ['--config', file])
  const { stdout } = await promisify(execFile)(binary, [command, ...configs], { env })
  return stdout
}

/** Those with components of the contrib image are not in our build of the Collector. */
const here = readdirSync(fixtures).filter(
  (rule) => !/\bawsemf\b/.test(readFileSync(join(fixtures, rule, 'bad.yaml'), 'utf8')),
)

describe('the Collector starts with', () => {
  it.each(here)('the file that is right about %s', async (rule) => {
    await collector('validate', [join(fixtures, rule, 'good.yaml')])
  })

  // Which is why validating is not enough.
  it.each(here.filter((rule) => rule !== 'undefined-component'))('the fault %s', async (rule) => {
    await collector('validate', [join(fixtures, rule, 'bad.yaml')])
  })
})

it('the linter merges files into what the Collector makes of them', async () => {
  const over = join(folder, 'over.yaml')
  writeFileSync(
    over,
    `extensions:
  file_storage/records: {fsync: false}
processors:
  batch/jaeger:
service:
  extensions: [file_storage/traces, file_storage/records, file_storage/metrics]
  pipelines:
    traces: {processors: [memory_limiter]}
`,
  )
  const files = [base, profile, over]
  const theirs = parse(await collector('print-config', files)) as {
    extensions: Record<string, { fsync?: boolean }>
    service: { extensions: string[]; pipelines: Record<string, Record<string, string[] | null>> }
  }
  const ours = readCollector(files)
  const list = (...path: string[]) => scalarsBelow(at(ours, ...path)).map(({ text }) => text)
  expect(list('service', 'extensions')).toEqual(theirs.service.extensions)
  for (const [id, pipeline] of Object.entries(theirs.service.pipelines))
    for (const part of ['receivers', 'processors', 'exporters'])
      expect(list('service', 'pipelines', id, part), `${id} ${part}`).toEqual(pipeline[part] ?? [])
  // It leaves out what is false.
  for (const [id, { fsync = false }] of Object.entries(theirs.extensions))
    if (id.startsWith('file_storage/'))
      expect(scalarAt(ours, 'extensions', id, 'fsync')?.text, id).toBe(String(fsync))
  expect(theirs.extensions['file_storage/records']?.fsync).toBeUndefined()
})
