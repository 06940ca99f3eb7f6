import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { type Block, blocks, inLanguage, placeOf } from './blocks/collect.js'
import { compile } from './frameworks/compile.js'
import { filesBelow, read, root } from './workspace.js'

const run = promisify(execFile)

/** What a block may be in: a language without a test here would be one that nothing checks. */
const languages = ['ts', 'js', 'sh', 'json', 'yaml', 'sql', 'promql', 'toml', 'diff', 'md', 'text', '']

/** Programs and tests: what stands in one of these as it stands on a page is compiled, and mostly run, with it. */
const sources = ['packages', 'tests', 'examples']
  .flatMap((folder) => filesBelow(folder, (path) => /\.[cm]?[jt]sx?$/.test(path)))
  .filter((path) => !path.startsWith('tests/repository/blocks/'))
  .map(read)
const isInSource = ({ code, hidden }: Block): boolean =>
  hidden === '' && sources.some((source) => source.includes(code))

test('each block of code is in a language that is checked', () => {
  expect(blocks.length).toBeGreaterThan(100)
  const unknown = blocks.filter(({ language }) => !languages.includes(language))
  expect(unknown.map((block) => `${placeOf(block)}: ${block.language}`)).toEqual([])
})

describe('TypeScript in the documentation', () => {
  test('is part of a program of this repository, or compiles by itself', async () => {
    const alone = inLanguage('ts').filter((block) => !isInSource(block))
    expect(await compileBlocks(alone)).toEqual([])
  })
})

describe('JavaScript in the documentation', () => {
  test('is part of a program of this repository, or can be parsed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'throughline-blocks-'))
    try {
      const faults = await Promise.all(
        inLanguage('js')
          .filter((block) => !isInSource(block))
          .map(async (block, index) => {
            const file = join(folder, `${index}.mjs`)
            writeFileSync(file, block.code)
            return run(process.execPath, ['--check', file]).then(
              () => [],
              ({ stderr }: { stderr: string }) => [`${placeOf(block)}: ${stderr}`],
            )
          }),
      )
      expect(faults.flat()).toEqual([])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('JSON and YAML in the documentation', () => {
  test.each(inLanguage('json').map((block) => ({ place: placeOf(block), block })))(
    '$place can be parsed',
    ({ block }) => {
      expect(() => JSON.parse(block.code)).not.toThrow()
    },
  )

  test.each(inLanguage('yaml').map((block) => ({ place: placeOf(block), block })))(
    '$place can be parsed',
    ({ block }) => {
      const faults = parseAllDocuments(block.code).flatMap((document) => [
        ...('errors' in document ? document.errors : []),
      ])
      expect(faults.map(({ message }) => message)).toEqual([])
    },
  )
})

test('each variable that the documentation names is one that something reads', () => {
  const known = read('docs/reference/environment.md')
  const unknown = blocks.flatMap((block) =>
    [...block.code.matchAll(/\b(?:THROUGHLINE|OTEL)_[A-Z0-9_]*[A-Z0-9]\b/g)]
      .map(([name]) => name)
      .filter((name) => !known.includes(`\`${name}\``))
      .map((name) => `${placeOf(block)}: ${name}`),
  )
  expect([...new Set(unknown)]).toEqual([])
})

test('each file that a page names is there', () => {
  const folders = 'packages|tests|examples|docs|deploy|otel-collector|benchmarks|scripts'
  const named = new RegExp(`\`((?:${folders})/[\\w./-]+)\``, 'g')
  const found = new Set(filesBelow('').flatMap((path) => [path, ...foldersOf(path)]))
  const missing = [...new Set(blocks.map(({ page }) => page)), 'THREAT-MODEL.md', 'CHANGELOG.md'].flatMap(
    (page) =>
      [...read(page).matchAll(named)]
        .map(([, path]) => (path as string).replace(/\/$/, ''))
        .filter((path) => !found.has(path) && !/\/(?:dist|node_modules)\//.test(path))
        .map((path) => `${page}: ${path}`),
  )
  expect(missing).toEqual([])
})

function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

/** One program of all blocks, each a module; a block that `continues` is one with what is before it on its page. */
async function compileBlocks(all: Block[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'throughline-blocks-'))
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    const modules: { block: Block; text: string; parts: { block: Block; from: number }[] }[] = []
    for (const block of all) {
      const last = modules.at(-1)
      const text = `${block.hidden}${block.code}`
      const lines = (part: string) => part.split('\n').length - 1
      if (block.continues && last !== undefined && last.block.page === block.page) {
        last.parts.push({ block, from: lines(last.text) + lines(block.hidden) })
        last.text += text
      } else modules.push({ block, text, parts: [{ block, from: lines(block.hidden) }] })
    }
    for (const [index, { text }] of modules.entries())
      writeFileSync(join(folder, `block${index}.mts`), `${text}export {}\n`)
    const compilerOptions = {
      target: 'es2023',
      lib: ['es2024', 'esnext.disposable', 'dom'],
      module: 'nodenext',
      strict: true,
      skipLibCheck: true,
      noEmit: true,
      types: ['node'],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.mts'] }))
    const said = await compile(folder, '--pretty', 'false')
    return said
      .split('\n')
      .filter((line) => /error TS/.test(line))
      .map((line) => {
        const [, index, at, rest] = /block(\d+)\.mts\((\d+),\d+\): (.*)/.exec(line) ?? []
        const module = modules[Number(index)]
        if (module === undefined) return line
        const part = module.parts.findLast(({ from }) => Number(at) > from) ?? module.parts[0]!
        return `${part.block.page}:${part.block.line + Number(at) - part.from - 1}: ${rest}`
      })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
