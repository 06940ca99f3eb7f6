import { expect, test } from 'vitest'
import { filesBelow, read } from '../workspace.js'

const sources = filesBelow('tests/frameworks', (path) => /\.m?[jt]s$/.test(path)).map(read)

test.each(['frameworks', 'express', 'nestjs', 'lambda', 'vite-8'])(
  'each program in docs/guides/%s.md is a file that the tests run',
  (name) => {
    const shown = [...read(`docs/guides/${name}.md`).matchAll(/^```[jt]s\n([\s\S]*?)^```/gm)]
    expect(shown.length).toBeGreaterThan(0)
    expect(shown.map(([, code]) => code).filter((code) => !sources.includes(code as string))).toEqual([])
  },
)
