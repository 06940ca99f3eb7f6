import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

// Node strips the types by itself; only the sources' `./x.js` has to lead to `./x.ts`.
const hook = `
  import { registerHooks } from 'node:module'
  registerHooks({
    resolve: (name, context, next) =>
      next(name.startsWith('.') && context.parentURL?.endsWith('.ts') ? name.replace(/\\.js$/, '.ts') : name, context),
  })`
const hookUrl = `data:text/javascript,${encodeURIComponent(hook)}`

/**
 * Runs a script in a Node process of its own, for what a test cannot do to its own process: to be killed, to be
 * somebody else. `source('postgres/embedded.ts')` in the script is the URL of a source file of this package.
 */
export function runSource(script: string, options: SpawnOptions = {}): ChildProcess {
  const text = script.replace(/source\('([^']+)'\)/g, (_, path) => {
    return JSON.stringify(new URL(`../src/${path}`, import.meta.url).href)
  })
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const args = ['--import', hookUrl, '--input-type=module', '--eval', text]
  return spawn(process.execPath, args, { cwd, ...options, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** The first line of output that `matches`; rejects with all the output when the process ends without one. */
export function firstLine(child: ChildProcess, matches: (line: string) => boolean): Promise<string> {
  const output: string[] = []
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream!).on('line', (line) => {
        output.push(line)
        if (matches(line)) resolve(line)
      })
    }
    child.once('close', () => reject(new Error(`ended without the line:\n${output.join('\n')}`)))
  })
}

export async function kill9(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Waits for a state; the deadline is an error. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 20_000) {
  const deadline = Date.now() + timeoutMs
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
