// npm run faults [-- --minutes 2 --seed 7 --only kill-service,storm --confirm collector --lanes 2 --backlog 1000000 --document FILE]
// Lets everything fail that can, at times that the seed decides, and compares the callers' journal with the table. Writes docs/faults.md
// when the whole matrix was run. Exit code 0 only if all held.
import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string', multiple: true, default: [] },
    confirm: { type: 'string', default: 'recorder' },
    lanes: { type: 'string', default: '2' },
    backlog: { type: 'string', default: '20000' },
    document: { type: 'string' },
  },
})
const minutes = Number(values.minutes)
const lanes = Number(values.lanes)
const backlog = Number(values.backlog)
if (!(minutes > 0)) fail(`--minutes is '${values.minutes}': a number above 0 is needed`)
if (!Number.isInteger(lanes) || lanes < 1 || lanes > 8)
  fail(`--lanes is '${values.lanes}': 1 to 8 are possible`)
if (!Number.isInteger(backlog) || backlog < 1)
  fail(`--backlog is '${values.backlog}': a whole number is needed`)
if (!['recorder', 'collector'].includes(values.confirm))
  fail(`--confirm is '${values.confirm}': recorder or collector is needed`)

// The harness runs from its sources, whose types Node strips; what it tests are the built packages, in processes of their own.
const packages = new URL('../packages/', import.meta.url)
registerHooks({
  resolve(specifier, context, next) {
    const own = /^@throughline\/([a-z-]+)(?:\/([a-z-]+))?$/.exec(specifier)
    // `require.resolve` asks for what a child process shall run: that is the built package.
    if (own && context.conditions.includes('import'))
      return next(new URL(`${own[1]}/src/${own[2] ?? 'index'}.ts`, packages).href, context)
    if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.startsWith('file:')) {
      const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL)
      if (existsSync(fileURLToPath(source))) return next(source.href, context)
    }
    return next(specifier, context)
  },
})

const only = values.only.flatMap((list) => list.split(',')).filter((id) => id !== '')
const whole = only.length === 0 && values.confirm === 'recorder'
const { runFaults } = await import('../tests/faults/run.ts')
const { endWorlds } = await import('../tests/faults/world.ts')
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, async () => {
    interrupted = true
    process.stdout.write('ending what was started …\n')
    await endWorlds()
    process.exit(130)
  })
try {
  const held = await runFaults({
    minutes,
    seed: values.seed,
    confirm: values.confirm,
    only,
    lanes,
    backlog,
    document:
      values.document ?? (whole ? fileURLToPath(new URL('../docs/faults.md', import.meta.url)) : undefined),
    print: (line) => process.stdout.write(`${line}\n`),
  })
  process.exitCode = held ? 0 : 1
} catch (error) {
  if (!interrupted) {
    // The other lane is at work still.
    interrupted = true
    await endWorlds()
    fail(error instanceof Error ? error.message : String(error))
  }
}

function fail(line) {
  process.stderr.write(`${line}\n`)
  process.exit(1)
}
