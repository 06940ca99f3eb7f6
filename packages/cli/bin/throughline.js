#!/usr/bin/env node
// Plain JavaScript for any Node: says what is needed instead of failing on the first new syntax. If a newer Node is installed
// beside this package (npm i -D node@24), it takes over.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'

const NEEDED = [22, 15]
const [major, minor] = process.versions.node.split('.').map(Number)

if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) {
  await import('../dist/main.js')
} else {
  const newer = findNode()
  if (newer === undefined) {
    process.stderr.write(
      `throughline needs Node ${NEEDED.join('.')} or later; this is ${process.versions.node}. One way: npm install --save-dev node@24\n`,
    )
    process.exitCode = 1
  } else {
    // The terminal's Ctrl-C reaches the child by itself; we only wait for its end.
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {})
    const { status, signal } = spawnSync(newer, process.argv.slice(1), { stdio: 'inherit' })
    process.exitCode = status ?? (signal === null ? 1 : 130)
  }
}

function findNode() {
  for (const from of [`${process.cwd()}/package.json`, import.meta.url]) {
    try {
      return createRequire(from).resolve('node/bin/node')
    } catch {
      // not there
    }
  }
  return undefined
}
