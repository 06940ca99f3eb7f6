// Makes a fresh clone ready: installs what is missing, builds what is stale. Runs on any Node >= 18, before there are dependencies;
// everything after it runs on the Node 24 that it installs.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stampFile = join(root, 'node_modules', '.throughline-installed')
const started = Date.now()

if (Number(process.versions.node.split('.')[0]) < 18)
  fail(`Node 18 or later is needed to begin; this is ${process.versions.node}.`)
install()
build()

/** `npm ci` when the lockfile is not the one that was installed. */
function install() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return
  say('Installing the dependencies (about a minute the first time) …')
  run(
    process.platform === 'win32' ? 'npm.cmd' : 'npm',
    ['ci', '--no-audit', '--no-fund', '--loglevel=error'],
    'npm ci',
  )
  writeFileSync(stampFile, wanted)
  say(`Dependencies are installed (${seconds()}).`)
}

function build() {
  run(join(root, 'node_modules', '.bin', 'node'), [join(root, 'scripts', 'build.mjs')], 'The build')
}

function run(command, args, what) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: environment(),
  })
  if (result.error) fail(`${what} could not be started: ${result.error.message}`)
  if (result.status !== 0)
    fail(`${what} failed (exit ${result.status ?? result.signal}). What it printed is above.`)
}

/** npm hands its own settings down as `npm_*`; an npm started by us shall find its own. */
function environment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
}

function seconds() {
  return `${((Date.now() - started) / 1000).toFixed(0)} s`
}

function say(line) {
  process.stdout.write(`${line}\n`)
}

function fail(line) {
  process.stderr.write(`${line}\n`)
  process.exit(1)
}
