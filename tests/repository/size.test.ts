import { describe, expect, test } from 'vitest'
import { filesBelow, packages, read } from './workspace.js'

const written = filesBelow('.', (path) => /\.(?:[cm]?[jt]s|ya?ml|sh|go)$/.test(path))
const tests = written.filter((path) => path.endsWith('.test.ts'))
const here = 'tests/repository/'

/** 500 lines, as a reader counts them: the newline at the end begins no further one. */
const MAX_LINES = 500
const MAX_ROOT_EXPORTS = 12
const MAX_README_LINES = 150

describe('a reader is not lost', () => {
  test(`no file has more than ${MAX_LINES} lines`, () => {
    const long = written
      .map((path) => [path, read(path).replace(/\n$/, '').split('\n').length] as const)
      .filter(([, lines]) => lines > MAX_LINES)
    expect(long).toEqual([])
    expect(written.length).toBeGreaterThan(150)
  })

  test(`the README has less than ${MAX_README_LINES} lines`, () => {
    expect(read('README.md').split('\n').length).toBeLessThan(MAX_README_LINES)
  })

  test.each(packages)(
    '$folder has at most 12 root exports, and its index.ts only re-exports',
    ({ folder }) => {
      const names = exportsOf(read(`packages/${folder}/src/index.ts`))
      expect(names.length).toBeGreaterThan(0)
      expect(names.length).toBeLessThanOrEqual(MAX_ROOT_EXPORTS)
      expect(new Set(names).size).toBe(names.length)
    },
  )

  test('no source names what is still to be done', () => {
    const marker = /\b(?:TODO|FIXME|XXX|HACK)\b/
    expect(written.filter((path) => !path.startsWith(here) && marker.test(read(path)))).toEqual([])
  })

  test('no test is left out, and none leaves the others out', () => {
    const partial = /\b(?:describe|it|suite|test)(?:\.\w+)*\.(?:only|skip|todo|fails)\b/
    expect(tests.filter((path) => !path.startsWith(here) && partial.test(read(path)))).toEqual([])
    expect(tests.length).toBeGreaterThan(10)
  })
})

/** The names that a file of re-exports gives away. Anything else in it is a fault. */
function exportsOf(source: string): string[] {
  const names: string[] = []
  const rest = source
    .replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    .replace(/export\s+(?:type\s+)?\{([^}]*)\}\s+from\s+'[^']+';?/g, (_, list: string) => {
      for (const item of list.split(',')) {
        const name = item
          .trim()
          .replace(/^type\s+/, '')
          .split(/\s+as\s+/)
          .pop()
        if (name) names.push(name)
      }
      return ''
    })
    .replace(/export\s+\*\s+as\s+(\w+)\s+from\s+'[^']+';?/g, (_, name: string) => {
      names.push(name)
      return ''
    })
  expect(rest.trim(), 'index.ts holds nothing but `export … from`').toBe('')
  return names
}
