import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { setEntry } from './json-text.js'

const twoSpaces = `{
  "name": "shop",
  "files": ["dist", "src"],
  "scripts": {
    "start": "node app.js"
  },
  "dependencies": {
    "express": "^5.1.0",
    "zod": "^4.0.0"
  }
}
`

describe('an edit changes its own line and no other', () => {
  test('a value that is there', () => {
    expect(setEntry(twoSpaces, 'scripts', 'start', 'node "x" app.js')).toBe(
      twoSpaces.replace('"node app.js"', '"node \\"x\\" app.js"'),
    )
  })

  test('a new name among sorted ones', () => {
    expect(setEntry(twoSpaces, 'dependencies', 'pg', '^8.0.0')).toBe(
      twoSpaces.replace('    "zod"', '    "pg": "^8.0.0",\n    "zod"'),
    )
    expect(setEntry(twoSpaces, 'dependencies', '@a/b', '1')).toContain('{\n    "@a/b": "1",\n    "express"')
    expect(setEntry(twoSpaces, 'dependencies', 'zzz', '1')).toContain('"^4.0.0",\n    "zzz": "1"\n  }\n}\n')
  })

  test('a new name at the end of unsorted ones', () => {
    const unsorted = twoSpaces.replace('"express": "^5.1.0",\n    "zod"', '"zod": "^5.1.0",\n    "express"')
    expect(setEntry(unsorted, 'dependencies', 'pg', '1')).toContain(
      '"express": "^4.0.0",\n    "pg": "1"\n  }',
    )
  })

  test('an object that is not there, and one that is empty', () => {
    expect(setEntry(twoSpaces, 'devDependencies', 'x', '1')).toBe(
      `${twoSpaces.slice(0, -3)},\n  "devDependencies": {\n    "x": "1"\n  }\n}\n`,
    )
    expect(setEntry('{\n  "dependencies": {}\n}\n', 'dependencies', 'x', '1')).toBe(
      '{\n  "dependencies": {\n    "x": "1"\n  }\n}\n',
    )
    expect(setEntry('{}', 'dependencies', 'x', '1')).toBe('{ "dependencies": { "x": "1" } }')
  })

  test.each([
    [
      'tabs',
      twoSpaces.replaceAll(/^( +)/gm, (spaces) => '\t'.repeat(spaces.length / 2)),
      '\n\t\t"pg": "1",\n\t\t"zod"',
    ],
    ['four spaces', twoSpaces.replaceAll(/^( +)/gm, '$1$1'), '\n        "pg": "1",\n        "zod"'],
    ['line ends of Windows', twoSpaces.replaceAll('\n', '\r\n'), '\r\n    "pg": "1",\r\n    "zod"'],
    ['a byte order mark', `\uFEFF${twoSpaces}`, '\n    "pg": "1",\n    "zod"'],
    ['no line end', twoSpaces.trimEnd(), '\n    "pg": "1",\n    "zod"'],
    [
      'one line',
      '{"dependencies":{"express":"^5.1.0","zod":"^4.0.0"}}',
      '{"express":"^5.1.0","pg": "1", "zod"',
    ],
  ])('written with %s', (_, text, expected) => {
    const edited = setEntry(text, 'dependencies', 'pg', '1')
    expect(edited).toContain(expected)
    expect(edited.replace(/"pg": "1",\s*/, '')).toBe(text)
  })

  test('whatever else stands in the document', () => {
    const objects = fc.dictionary(
      fc.string(),
      fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
    )
    const documents = fc.record({ scripts: objects, other: fc.jsonValue() }, { requiredKeys: [] })
    const indents = fc.constantFrom(undefined, 2, 4, '\t')
    fc.assert(
      fc.property(documents, indents, fc.string(), fc.string(), (document, indent, key, value) => {
        fc.pre(key !== '__proto__' && !Object.hasOwn(document.scripts ?? {}, '__proto__'))
        const edited = setEntry(JSON.stringify(document, null, indent), 'scripts', key, value)
        expect(JSON.parse(edited)).toEqual(
          JSON.parse(JSON.stringify({ ...document, scripts: { ...document.scripts, [key]: value } })),
        )
      }),
      { numRuns: 300 },
    )
  })
})

test('what is no JSON is refused', () => {
  for (const text of [
    '',
    '{',
    '[]',
    '"a"',
    '{a: 1}',
    '{"a": 1,}',
    "{'scripts': {}}",
    '{"scripts": []}',
    '{"a": 1, "a": 2}',
  ])
    expect(() => setEntry(text, 'scripts', 'start', 'x')).toThrow(SyntaxError)
})
