import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { delimiter, join, relative } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The script of the npm that runs us, else of the one on the PATH: it shall run on our own Node, whatever the PATH holds. */
export function npmCli(): string {
  const running = process.env.npm_execpath
  if (running && /npm-cli\.js$/.test(running)) return running
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const found = join(folder, 'npm')
    if (!existsSync(found)) continue
    const script = realpathSync(found)
    if (script.endsWith('npm-cli.js')) return script
  }
  throw new Error('npm is not on the PATH')
}

/**
 * Makes a folder ready that has a lockfile of its own, outside the workspaces: `npm ci` when what is installed there is not what the
 * lockfile says. Says so, as it takes a while the first time.
 */
export async function installOwn(folder: string): Promise<void> {
  const stamp = join(folder, 'node_modules', '.throughline-installed')
  const wanted = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  const began = performance.now()
  process.stdout.write(`installing ${relative(process.cwd(), folder)} …\n`)
  // npm hands its own settings down as `npm_*`; an npm started by us shall find its own.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
  await run(process.execPath, [npmCli(), 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    env,
    maxBuffer: 16 * 1024 * 1024,
  })
  writeFileSync(stamp, wanted)
  process.stdout.write(`installed in ${((performance.now() - began) / 1000).toFixed(0)} s\n`)
}
