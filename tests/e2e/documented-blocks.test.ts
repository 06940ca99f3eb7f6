import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { ensureBinary } from '../../packages/cli/src/binaries/ensure.js'
import { inLanguage, placeOf } from '../repository/blocks/collect.js'

const run = promisify(execFile)
const throughline = new URL('../../packages/cli/bin/throughline.js', import.meta.url).pathname

/** Configurations of the Collector on a page that are whole: they have pipelines. */
const configurations = inLanguage('yaml')
  .filter(({ code }) => (parse(code) as { service?: { pipelines?: object } } | null)?.service?.pipelines)
  .map((block) => ({ place: placeOf(block), code: block.code }))

/** One expression a line; those of Grafana have variables, and are tested with the dashboards. */
const expressions = inLanguage('promql').filter(({ code }) => !code.includes('$'))

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'throughline-blocks-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('there is one of each kind', () => {
  expect(configurations.length).toBeGreaterThan(0)
  expect(expressions.length).toBeGreaterThan(0)
})

describe.each(configurations)('the configuration at $place', ({ code }) => {
  test('is accepted by the Collector, and loses nothing', async () => {
    const file = join(folder, 'config.yaml')
    // The folder of a queue is made, and so has to be where anybody may.
    writeFileSync(file, code.replaceAll('/var/lib/throughline', folder))
    await run(await ensureBinary('otelcol'), ['validate', `--config=${file}`], {
      env: { PATH: process.env.PATH, AWS_ACCESS_KEY_ID: 'none', AWS_SECRET_ACCESS_KEY: 'none' },
    })
    // Its exit code is 1 where there is an error.
    await run(process.execPath, [throughline, 'lint-collector', file])
  })
})

test('what is asked of Prometheus on a page is an expression', async () => {
  const lines = expressions.flatMap((block) => block.code.trim().split('\n'))
  const rules = lines.map((expr, at) => ({ record: `shown:expression:${at}`, expr }))
  const file = join(folder, 'rules.yaml')
  writeFileSync(file, stringify({ groups: [{ name: 'shown', rules }] }))
  await run(await ensureBinary('promtool'), ['check', 'rules', file])
})
