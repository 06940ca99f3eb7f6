import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installTelemetry, type Telemetry } from '../testing/telemetry.js'
import { createInstruments } from './metrics.js'

let telemetry: Telemetry
beforeAll(() => {
  telemetry = installTelemetry()
})
afterAll(() => telemetry.remove())

test('the code of the README is a file that the tests run on an engine', () => {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
  const [, code] = /^```ts\n([\s\S]*?)^```/m.exec(read('../README.md')) ?? []
  expect(code).toBeDefined()
  expect(read('../testing/readme.ts')).toContain(code)
})

test('docs/guides/jobs.md has each class of a failure, and no other', () => {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
  const guide = read('../../../docs/guides/jobs.md')
  const from = guide.indexOf('## Docker')
  const part = guide.slice(from, guide.indexOf('\n## ', from + 1))
  const documented = [...part.matchAll(/^\| `([A-Z][A-Za-z]+)` \|/gm)].map(([, name]) => name)
  const [, union] = /ContainerErrorName =([\s\S]*?)\n\n/.exec(read('./errors.ts')) ?? []
  const declared = [...(union ?? '').matchAll(/'(\w+)'/g)].map(([, name]) => name)
  expect(declared.length).toBeGreaterThan(5)
  expect(documented.sort()).toEqual(declared.sort())
})

test('docs/reference/metrics.md has each metric of this package with its unit, and no other', async () => {
  const page = readFileSync(new URL('../../../docs/reference/metrics.md', import.meta.url), 'utf8')
  const from = page.indexOf('## Docker')
  const part = page.slice(from, page.indexOf('\n## ', from + 1))
  const documented = [...part.matchAll(/^\| `([a-z_.]+)` \| [^|]+ \| `([^`]+)` \|/gm)].map(
    ([, name, unit]) => [name, unit],
  )
  expect(documented.length).toBeGreaterThan(10)

  const instruments = createInstruments({})
  for (const instrument of Object.values(instruments)) {
    if (typeof instrument?.add === 'function') instrument.add(1)
    if (typeof instrument?.record === 'function') instrument.record(1)
    if (typeof instrument?.addCallback === 'function')
      instrument.addCallback((result: { observe(value: number): void }) => result.observe(1))
  }
  const made = Object.entries(await telemetry.units())
  const inOrder = (rows: unknown[][]) => rows.map(String).sort()
  expect(inOrder(documented)).toEqual(inOrder(made))
})
