// Builds what is stale: types and code of every package, then what `tsc` does not know of.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from './bundle.mjs'
import { buildConsole } from './console.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const compiled = spawnSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-b', ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: 'inherit',
  },
)
if (compiled.status !== 0) process.exit(compiled.status ?? 1)

// Node reads the kind of a module from the nearest package.json.
for (const name of readdirSync(join(root, 'packages'))) {
  const folder = join(root, 'packages', name, 'dist/cjs')
  if (existsSync(folder)) writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n')
}

for (const name of readdirSync(join(root, 'packages'))) await bundle(join(root, 'packages', name))
await buildConsole()

// The Collector's configuration and module travel inside the cli's tarball.
const assets = join(root, 'packages/cli/dist/assets/otel-collector')
rmSync(assets, { recursive: true, force: true })
mkdirSync(assets, { recursive: true })
cpSync(join(root, 'otel-collector'), assets, { recursive: true })
