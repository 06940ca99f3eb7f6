import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './until.js'

/** Absolute URL of a built module of a package: children run what users install. */
export function built(path: string): string {
  return new URL(`../../${path}`, import.meta.url).href
}

export interface Child {
  readonly process: ChildProcess
  readonly pid: number
  stdout(): string
  stderr(): string
  /** Resolves when the child has printed this line. */
  printed(line: string): Promise<void>
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/** Runs node with these arguments; killed by `stop` at the latest. */
export function runNode(args: string[], env: Record<string, string> = {}): Child {
  return runProgram(process.execPath, args, env)
}

export function runProgram(program: string, args: string[], env: Record<string, string> = {}): Child {
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  return {
    process: child,
    pid: child.pid as number,
    stdout: () => out,
    stderr: () => err,
    async printed(line) {
      let over = false
      void ended.then(() => {
        over = true
      })
      await until(`'${line}' printed`, () => {
        if (out.split('\n').includes(line)) return true
        if (over) throw new Error(`ended without printing '${line}':\n${out}\n${err}`)
        return false
      })
    },
    ended,
  }
}

/** Runs the lines of an ESM program. */
export function runLines(lines: string, env: Record<string, string> = {}): Child {
  return runNode(['--input-type=module', '--eval', lines], env)
}

/** Lines that import `start` and the core of the built packages. */
export const IMPORTS = `
  import { start } from '${built('sdk/dist/esm/index.js')}'
  import { track, correlation, business } from '${built('core/dist/esm/index.js')}'
  import { writeSync } from 'node:fs'
`

export interface Scratch {
  readonly dir: string
  remove(): void
}

export function scratch(): Scratch {
  const dir = mkdtempSync(join(tmpdir(), 'throughline-sdk-test-'))
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) }
}
