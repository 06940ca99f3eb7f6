import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../peers', import.meta.url))

/** The peers have a lockfile of their own, 430 MB installed: only who asks for them gets them. */
export async function installPeers() {
  if (existsSync(`${folder}/node_modules`)) return
  process.stdout.write('Installing the peers (about a minute) …\n')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error('npm ci in benchmarks/peers failed; what it printed is above')
}
