// npm run torture: runs the cases of the torture table on our own pieces, prints what came of each, and writes docs/torture.md, in which
// they stand beside what `node tests/torture/peers.mjs` found out about other libraries. Exits with 1 on a miss.
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const file = join(tmpdir(), `throughline-torture-${process.pid}.txt`)
const tests = ['torture.test.ts', 'torture-unhandled.test.ts', 'torture-orms.test.ts']
const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    '--run',
    '--project',
    'unit',
    '--reporter=minimal',
    ...tests.map((name) => `tests/unit/${name}`),
  ],
  { cwd: root, env: { ...process.env, TORTURE_LINES: file }, stdio: ['ignore', 'inherit', 'inherit'] },
)
process.stdout.write(readFileSync(file, 'utf8'))
rmSync(file)
process.stdout.write(
  status === 0
    ? '\nNo miss, unhandled rejections and query builders included. Beside the peers: docs/torture.md\n'
    : '\nThere are misses, see above.\n',
)
process.exitCode = status ?? 1
