import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { unhandledCases } from '../torture/unhandled.js'

const run = promisify(execFile)
const cases = new URL('../torture/unhandled.ts', import.meta.url).href
const core = new URL('../../packages/core/dist/esm/', import.meta.url).href

/** A process that runs all cases and prints how many unhandled rejections it saw in each. */
async function counts(wrap: string): Promise<number[]> {
  const program = `
    import { countUnhandled } from ${JSON.stringify(cases)}
    import { installRuntime } from ${JSON.stringify(`${core}runtime.js`)}
    import { track } from ${JSON.stringify(`${core}index.js`)}
    installRuntime({ name: 'x', serviceName: 'x', start() {}, end() {}, measure() {}, notice() {} })
    console.log(JSON.stringify(await countUnhandled(${wrap})))`
  const { stdout } = await run(process.execPath, [
    '--experimental-strip-types',
    '--no-warnings',
    '--input-type=module',
    '--eval',
    program,
  ])
  return JSON.parse(stdout) as number[]
}

test('a process reports the same unhandled rejections with and without tracking', async () => {
  const [bare, once, twice] = await Promise.all([
    counts('(fn) => fn'),
    counts("(fn) => track('A.b', fn)"),
    counts("(fn) => track('A.b', track('A.c', fn))"),
  ])
  const named = (numbers: number[] | undefined) =>
    unhandledCases.map(({ kind, act }, i) => `${kind}, ${act}: ${numbers?.[i]}`)
  expect(bare?.some((count) => count === 1)).toBe(true)
  expect(named(once)).toEqual(named(bare))
  expect(named(twice)).toEqual(named(bare))
})
