import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { inLanguage, pages, placeOf } from './blocks/collect.js'
import { commands, load } from './blocks/commands.js'
import { commandsOf, splitVariables, type Words } from './blocks/shell.js'
import { filesBelow, packages, read, root } from './workspace.js'

/** Thrown where a command has read its arguments: with it ends the command, before it does anything. */
class Understood extends Error {}

vi.mock('node:util', async (original) => {
  const real = await original<typeof import('node:util')>()
  return {
    ...real,
    parseArgs(config: Parameters<typeof real.parseArgs>[0]) {
      real.parseArgs(config)
      throw new Understood()
    },
  }
})

const run = promisify(execFile)

const shellBlocks = inLanguage('sh')
/** Every simple command of every block, with its place. */
const simple = shellBlocks.flatMap((block) =>
  commandsOf(block.code).map((words) => ({
    place: placeOf(block),
    words,
    ...splitVariables(words),
  })),
)

/** What is given to `throughline`, also behind npx, docker and their like; undefined of another command. */
function argumentsOf(command: Words): Words | undefined {
  const at = command.indexOf('throughline')
  if (at < 0) return undefined
  const args = command.slice(at + 1).filter((word) => word !== '…')
  // `docker compose exec postgres dropdb throughline` is about a database of that name.
  const isProgram = at === 0 || command[0] === 'npx' || commands.has(args[0] ?? '')
  return isProgram ? args : undefined
}

test('the commands of throughline are found', () => {
  expect(commands.size).toBeGreaterThan(10)
  expect([...commands.keys()]).toContain('lint-collector')
})

test.each(shellBlocks.map((block) => ({ place: placeOf(block), code: block.code })))(
  '$place is a text that a shell understands',
  async ({ code }) => {
    const said = await run('bash', ['-n', '-c', code]).then(
      () => '',
      ({ stderr }: { stderr: string }) => stderr,
    )
    expect(said).toBe('')
  },
)

describe('a command of throughline', () => {
  const given = simple.flatMap(({ place, command }) => {
    const args = argumentsOf(command)
    return args === undefined ? [] : [{ place, args, text: `throughline ${args.join(' ')}` }]
  })

  test.each(given)('$place: $text', async ({ args: [name = '', ...args] }) => {
    if (name === '--help') return
    expect([...commands.keys()]).toContain(name)
    if (args.includes('--help')) return
    const loaded = await load(name)
    await expect(loaded.run(args)).rejects.toThrow(Understood)
  })

  test('in the midst of a sentence has options that there are', async () => {
    const faults: string[] = []
    for (const page of pages) {
      const prose = read(page).replace(/^( *)```[\s\S]*?^\1```/gm, '')
      for (const [, text = ''] of prose.matchAll(/`(?:npx )?throughline ([^`]+)`/g)) {
        const [name = '', ...rest] = text.replaceAll('\\|', '|').split(/\s+/)
        if (!commands.has(name)) {
          if (/^[a-z-]+$/.test(name)) faults.push(`${page}: throughline ${text}`)
          continue
        }
        const { help } = await load(name)
        for (const [option] of rest.join(' ').matchAll(/--[a-z-]+/g))
          if (!help.includes(option) && option !== '--help') faults.push(`${page}: throughline ${text}`)
      }
    }
    expect(faults).toEqual([])
  })
})

describe('a command of npm or node', () => {
  const known = filesBelow('')
  const scripts = new Set(
    filesBelow('', (path) => /(?:^|\/)package\.json$/.test(path)).flatMap((path) =>
      Object.keys((JSON.parse(read(path)) as { scripts?: object }).scripts ?? {}),
    ),
  )

  test('runs a script that there is', () => {
    const missing = simple
      .filter(({ command: [name] }) => name === 'npm')
      .flatMap(({ place, command }) => {
        const [what = '', script] = command.slice(1).filter((word) => !word.startsWith('-'))
        const asked = what === 'run' ? script : ['start', 'test'].includes(what) ? what : undefined
        return asked === undefined || scripts.has(asked) ? [] : [`${place}: npm ${what} ${asked}`]
      })
    expect(missing).toEqual([])
  })

  test('names packages and entry points that there are', () => {
    const entries = new Set(
      packages.flatMap(({ manifest }) =>
        Object.keys(manifest.exports).map((entry) => manifest.name + entry.slice(1)),
      ),
    )
    const unknown = simple.flatMap(({ place, words }) =>
      words
        .filter((word) => /^@throughline\//.test(word))
        .filter((word) => !entries.has(word.replace(/@[\d^~][\w.-]*$/, '')))
        .map((word) => `${place}: ${word}`),
    )
    expect(unknown).toEqual([])
  })

  // Vitest takes the beginning of a path for all that begin so.
  const isThere = (path: string) => existsSync(join(root, path)) || known.some((one) => one.startsWith(path))

  test('names files that there are', () => {
    const missing = simple.flatMap(({ place, command }) =>
      command
        .filter((word) =>
          /^(?:packages|otel-collector|deploy|examples|scripts|tests|docs)\/[\w./-]+$/.test(word),
        )
        .filter((word) => !isThere(word))
        .map((word) => `${place}: ${word}`),
    )
    expect(missing).toEqual([])
  })
})
