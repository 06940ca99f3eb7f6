// npm test: types, format and lint, arrows, dead code, unit tests; and, beside them, the local binaries for the end-to-end tests.
// Ends with one line of the runner's own counts.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = join(root, 'node_modules', '.bin')
const totals = { passed: 0, failed: 0, skipped: 0 }
const began = Date.now()
const only = process.argv.slice(2)

if (only.length > 0) {
  // `npm test -- packages/otlp`: the tests whose path holds it, as quickly as possible.
  await vitest('tests', ['--run', ...only])
} else {
  const binaries = buildBinaries()
  await step('lint', 'biome', ['check', '--error-on-warnings', '.'])
  await step('types of the tests', 'tsc', ['-p', 'tsconfig.tests.json'])
  await step('types of the console', 'tsc', ['-p', 'packages/recorder/console'])
  await step('arrows', 'depcruise', ['--config', '.dependency-cruiser.mjs', 'packages', 'examples'])
  await step('dead code', 'knip', [])
  await vitest('unit tests', ['--run', '--project', 'unit'])
  if (existsSync('/usr/lib/postgresql/15/bin/postgres'))
    await vitest('packages/postgres on Postgres 15', ['--run', '--project', 'postgres-15'])
  else skip('packages/postgres on Postgres 15', 'Debian has it as: apt-get install postgresql')
  await vitest('repository tests', ['--run', '--project', 'repository'])
  await withPython('schemathesis')
  await vitest('the console in a browser', ['--run', '--project', 'console'])
  if (await binaries) {
    await withPython('aws')
    await vitest('end-to-end tests', ['--run', '--project', 'e2e'])
    await faults()
  }
}
process.stdout.write(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`)
process.exit(totals.failed === 0 ? 0 : 1)

/** A check that passes or fails as a whole counts as one test. */
async function step(name, command, args) {
  heading(name)
  const code = await run(join(bin, command), args)
  totals[code === 0 ? 'passed' : 'failed'] += 1
}

/**
 * Checks that need Python: the API against its own document, about a minute; the CDK app of deploy/aws, its templates and cfn-lint on them.
 * Without Python the step is skipped; where CI is set it fails.
 */
async function withPython(name) {
  heading(name)
  const missing = 77
  const code = await run(process.execPath, [join(root, 'scripts', `${name}.mjs`)])
  if (code === missing && process.env.CI !== 'true') {
    process.stdout.write('Skipped: for the reason above.\n')
    totals.skipped += 1
  } else totals[code === 0 ? 'passed' : 'failed'] += 1
}

/** The fault matrix, bounded; by hand it runs as long as you like. Another seed each day, which it prints. */
async function faults() {
  heading('faults')
  const seed = new Date().toISOString().slice(0, 10)
  const code = await run(process.execPath, [
    join(root, 'scripts/faults.mjs'),
    '--minutes',
    '2',
    '--seed',
    seed,
    '--document',
    join(tmpdir(), `throughline-faults-${process.pid}.md`),
  ])
  totals[code === 0 ? 'passed' : 'failed'] += 1
}

function skip(name, why) {
  heading(name)
  process.stdout.write(`Skipped: it is not here. ${why}\n`)
  totals.skipped += 1
}

async function vitest(name, args) {
  heading(name)
  const report = join(tmpdir(), `throughline-test-${process.pid}.json`)
  const code = await run(join(bin, 'vitest'), [
    ...args,
    '--reporter=default',
    '--reporter=json',
    `--outputFile=${report}`,
  ])
  try {
    const counts = JSON.parse(readFileSync(report, 'utf8'))
    totals.passed += counts.numPassedTests
    totals.failed += counts.numFailedTests
    totals.skipped += counts.numPendingTests + counts.numTodoTests
    // A file that does not even load, or an error beside the tests, fails the run without a failed test.
    if (code !== 0 && counts.numFailedTests === 0) totals.failed += 1
  } catch {
    totals.failed += 1
  }
  rmSync(report, { force: true })
}

/** The Go builds take minutes the first time: they run beside the quick checks. False when they cannot be had; that is a failure. */
async function buildBinaries() {
  const { ensureBinaries, formatProgress } = await import(
    pathToFileURL(join(root, 'packages/cli/dist/index.js')).href
  )
  let shown = 0
  const onProgress = (progress) => {
    if (progress.phase !== 'building' || Date.now() - shown < 30_000) return
    shown = Date.now()
    process.stdout.write(`  ${formatProgress(progress)}\n`)
  }
  try {
    await ensureBinaries(['otelcol', 'jaeger', 'prometheus', 'promtool'], { onProgress })
    return true
  } catch (error) {
    totals.failed += 1
    process.stdout.write(`The end-to-end tests cannot run: ${error.message}\n`)
    return false
  }
}

function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, FORCE_COLOR: '0' },
    })
    child.on('error', (error) => {
      process.stdout.write(`${error.message}\n`)
      resolve(1)
    })
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

function heading(name) {
  process.stdout.write(`\n── ${name} (${((Date.now() - began) / 1000).toFixed(0)} s)\n`)
}
