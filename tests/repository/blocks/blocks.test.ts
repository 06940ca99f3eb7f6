import { describe, expect, test } from 'vitest'
import { blocksIn } from './collect.js'
import { commandsOf, splitVariables } from './shell.js'

describe('blocks of a page', () => {
  test('have their place, what is hidden before them, and lose the indent of a list', () => {
    const page = [
      '# Page',
      '<!-- hidden',
      "import { one } from 'one'",
      '-->',
      '```ts',
      'one()',
      '```',
      '- in a list',
      '  ```sh',
      '  npm test',
      '',
      '    more',
      '  ```',
      '<!-- continues -->',
      '```ts',
      'two()',
      '```',
    ].join('\n')
    const nothing = { page: 'p.md', hidden: '', continues: false }
    expect(blocksIn('p.md', page)).toEqual([
      { ...nothing, line: 6, language: 'ts', code: 'one()\n', hidden: "import { one } from 'one'\n" },
      { ...nothing, line: 10, language: 'sh', code: 'npm test\n\n  more\n' },
      { ...nothing, line: 16, language: 'ts', code: 'two()\n', continues: true },
    ])
  })
})

describe('commands of a shell text', () => {
  test.each([
    ['a b # c', [['a', 'b']]],
    ['a "b c" \'d e\'f', [['a', 'b c', 'd ef']]],
    ['a \\\n  b', [['a', 'b']]],
    ['a | b && c; d', [['a'], ['b'], ['c'], ['d']]],
    ['a > out 2>&1 < in --b', [['a', '--b']]],
    [
      'A=$(cat file) a',
      [
        ['A=$(cat file)', 'a'],
        ['cat', 'file'],
      ],
    ],
    [
      'a "x $(b c)"',
      [
        ['a', 'x $(b c)'],
        ['b', 'c'],
      ],
    ],
    ['a <<END --b\nthroughline nothing\nEND\nc', [['a', '--b'], ['c']]],
    ['psql "$URL" -c "SELECT \\"x\\""', [['psql', '$URL', '-c', 'SELECT "x"']]],
  ])('%s', (text, commands) => {
    expect(commandsOf(text)).toEqual(commands)
  })

  test('variables before a command are none of its words', () => {
    expect(splitVariables(['A=1', 'B=2', 'node', 'C=3'])).toEqual({
      variables: ['A=1', 'B=2'],
      command: ['node', 'C=3'],
    })
  })
})
