import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The peers have lockfiles of their own, 430 MB installed: only who asks for them gets them. */
export async function installPeers(folder = 'peers') {
  const cwd = fileURLToPath(new URL(`../${folder}`, import.meta.url))
  if (existsSync(`${cwd}/node_modules`)) return
  process.stdout.write(`Installing benchmarks/${folder} (about a minute) …\n`)
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error(`npm ci in benchmarks/${folder} failed; what it printed is above`)
}
