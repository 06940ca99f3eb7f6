// node scripts/aws.mjs
// The CDK app of deploy/aws without an account: types, its tests, `cdk synth` of each profile as the CDK runs it, with
// cdk-nag, and cfn-lint (PyPI) on what comes out. Needs built packages, and npm for the first run. Exit 77: all else is
// well, and cfn-lint cannot be had here; the last line says why.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installOwn } from '../tests/support/npm.ts'

const version = '1.58.0'
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'deploy', 'aws')
const out = mkdtempSync(join(tmpdir(), 'throughline-aws-'))

try {
  await installOwn(folder)
  const programs = await programsAtHand()
  const lint = cfnLint()
  // Two at a time: each keeps one core busy.
  await Promise.all([
    (async () => {
      await step('types', join(root, 'node_modules', '.bin', 'tsc'), ['-p', folder])
      // In one process: what the CDK loads is most of the time that a single test takes.
      const all = ['--test', '--test-isolation=none', '--test-reporter=spec', 'test/*.ts']
      await step('tests', process.execPath, all, programs)
    })(),
    (async () => {
      for (const profile of ['prometheus', 'cloudwatch', 'hybrid']) {
        const template = await synth(profile)
        const arguments_ = ['--regions', 'eu-central-1', '--', template]
        if (lint.program !== undefined) await step(`cfn-lint, profile ${profile}`, lint.program, arguments_)
      }
    })(),
  ])
  if (lint.missing !== undefined) {
    console.log(lint.missing)
    process.exitCode ??= 77
  }
} finally {
  rmSync(out, { recursive: true, force: true })
}

/** Says all at its end, so that two beside each other can be read. */
function step(name, command, args, env = {}) {
  const began = performance.now()
  const said = []
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const end = (code) => {
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      process.stdout.write(`${Buffer.concat(said)}${code === 0 ? '✔' : '✖'} ${name} (${seconds} s)\n`)
      if (code !== 0) process.exitCode = 1
      resolve()
    }
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => said.push(part))
    child.on('error', ({ message }) => said.push(Buffer.from(`${message}\n`)))
    child.on('close', end)
  })
}

/** What `cdk synth -c settings=… -c profile=…` runs, with cdk-nag in it; resolves to the template. */
async function synth(profile) {
  const settings = join(out, `${profile}.json`)
  const image = { recorderImage: 'ghcr.io/example/throughline-recorder:0.1.0' }
  writeFileSync(settings, JSON.stringify({ ...readJson(join(folder, 'settings.example.json')), ...image }))
  const context = { ...readJson(join(folder, 'cdk.json')).context, settings, profile }
  await step(`synth, profile ${profile}`, process.execPath, ['src/app.ts'], {
    CDK_OUTDIR: join(out, profile),
    CDK_CONTEXT_JSON: JSON.stringify(context),
  })
  return join(out, profile, 'throughline.template.json')
}

/** The Collector and promtool, to hand them what the tasks hand them; tests that need one are skipped where it was not built. */
async function programsAtHand() {
  const { findBinary } = await import('../packages/cli/dist/binaries/ensure.js')
  const [otelcol, promtool] = await Promise.all([findBinary('otelcol'), findBinary('promtool')])
  return { ...(otelcol && { OTELCOL: otelcol }), ...(promtool && { PROMTOOL: promtool }) }
}

/** Once a machine, in the cache folder; or what stands in its way. */
function cfnLint() {
  const python = spawnSync('python3', ['-c', 'import sys; print(sys.version_info >= (3, 10))'])
  if (String(python.stdout ?? '').trim() !== 'True')
    return { missing: 'cfn-lint: there is no python3 of 3.10 or later' }
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const venv = join(cache, 'throughline', `cfn-lint-${version}`)
  const program = join(venv, 'bin', 'cfn-lint')
  if (existsSync(program)) return { program }
  if (spawnSync('python3', ['-m', 'venv', venv], { stdio: 'ignore' }).status !== 0)
    return { missing: 'cfn-lint: python3 has no venv; Debian has it as: apt-get install python3-venv' }
  const pip = spawnSync(
    join(venv, 'bin', 'pip'),
    ['install', '--quiet', '--disable-pip-version-check', `cfn-lint==${version}`],
    { stdio: 'inherit', timeout: 300_000 },
  )
  if (pip.status === 0) return { program }
  rmSync(venv, { recursive: true, force: true })
  return { missing: `cfn-lint ${version} could not be installed from the Python package index` }
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}
