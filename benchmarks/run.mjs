// npm run bench [-- <scenario> …]           measures, writes benchmarks/results/<scenario>.json and docs/benchmarks.md
// npm run bench:check -- <scenario> …       measures the same, writes nothing, and fails where a gate is missed
// --rows 10000000                           for those that fill a table
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { check: { type: 'boolean', default: false }, rows: { type: 'string' } },
})
const scenarios = positionals.length > 0 ? positionals : ['core']
const here = (path) => new URL(path, import.meta.url)
let missed = 0

for (const name of scenarios) {
  const scenario = await import(here(`${name}.mjs`).href)
  process.stdout.write(`${scenario.title}\n`)
  const size = values.rows === undefined ? {} : { rows: Number(values.rows) }
  const { rows, cases } = await scenario.run({ ...size, onProgress })
  onProgress('')
  for (const row of rows) print(row)
  if (!values.check) {
    const machine = {
      node: process.version,
      cpu: cpus()[0]?.model,
      cores: cpus().length,
      versions: versions(),
    }
    writeFileSync(
      here(`results/${name}.json`),
      `${JSON.stringify({ title: scenario.title, date: new Date().toISOString().slice(0, 10), machine, rows, cases }, null, 2)}\n`,
    )
  }
}
if (!values.check) writeFileSync(here('../docs/benchmarks.md'), page())
if (missed > 0) process.stdout.write(`${missed} gate${missed === 1 ? '' : 's'} missed\n`)
process.exitCode = missed > 0 && values.check ? 1 : 0

function print(row) {
  const holds = row.gate === undefined || (row.atLeast ? row.ratio >= row.gate : row.ratio <= row.gate)
  if (!holds) missed += 1
  process.stdout.write(
    `  ${holds ? '✔' : '✘'} ${ratioOf(row).padStart(5)}  ${limits(row).padEnd(26)} ${row.name}\n`,
  )
}

function limits({ target, gate, why, atLeast }, long = false) {
  if (target === undefined) return 'stated'
  const least = atLeast ? 'at least, ' : ''
  const [wanted, end] = [target, gate].map((limit) => Number(limit.toFixed(2)))
  return target === gate
    ? `${least}gate ${end}`
    : `${least}target ${wanted}, gate ${end}${long && why !== undefined ? `: ${why}` : ''}`
}

function onProgress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}

function versions() {
  const version = (name) =>
    JSON.parse(readFileSync(here(`../node_modules/${name}/package.json`), 'utf8')).version
  return Object.fromEntries(
    [
      '@opentelemetry/api',
      '@opentelemetry/sdk-trace',
      '@opentelemetry/sdk-metrics',
      '@opentelemetry/exporter-trace-otlp-proto',
    ].map((name) => [name, version(name)]),
  )
}

/** The document is made of the results alone, so that no number in it is typed by hand. */
function page() {
  const results = readdirSync(here('results'))
    .filter((name) => name.endsWith('.json'))
    .sort()
  const sections = results.map((name) =>
    section(JSON.parse(readFileSync(here(`results/${name}`), 'utf8')), name.replace('.json', '')),
  )
  return `# Benchmarks\n\nWritten by \`npm run bench\`. Each case runs in processes of its own, interleaved with the others; CPU time of the calling thread, median of\nmedians. The machines are shared: read the ratios, not the nanoseconds.\n\n${sections.join('\n')}`
}

function section({ title, date, machine, rows, cases }, name) {
  const versionList = Object.entries(machine.versions)
    .map(([one, version]) => `${one} ${version}`)
    .join(', ')
  const table = rows.map(
    (row) => `| ${row.name} | ${shown(row)} | **${ratioOf(row)}** | ${limits(row, true)} |`,
  )
  // A case is CPU time a call, or says its unit.
  const all = Object.entries(cases).map(([one, { cpu, cpuRange, unit, value, range }]) =>
    unit === undefined
      ? `| \`${one}\` | ${Math.round(cpu)} | ${cpuRange.map(Math.round).join(' to ')} |`
      : `| ${one} | ${figure(value, unit)} | ${range.map((end) => figure(end, unit)).join(' to ')} |`,
  )
  const head = Object.values(cases).some(({ unit }) => unit !== undefined)
    ? '| measured | median | range |'
    : '| case (benchmarks/cases) | CPU ns a call | range |'
  return `## ${title}\n\n\`npm run bench -- ${name}\`, ${date}, Node ${machine.node}, ${machine.cores} × ${machine.cpu}; ${versionList}.\n\n| what | ours / theirs | ratio | budget |\n| --- | --- | --- | --- |\n${table.join('\n')}\n\n${head}\n| --- | --- | --- |\n${all.join('\n')}\n`
}

function ratioOf({ ratio }) {
  return ratio === undefined ? '–' : ratio.toFixed(2)
}

function figure(value, unit) {
  if (unit.endsWith('/s')) return `${Math.round(value).toLocaleString('en')} ${unit}`
  return unit === 'bytes' ? `${Math.round(value)} bytes` : `${value.toFixed(1)} ${unit}`
}

function shown({ ours, theirs, bytes, unit }) {
  if (unit !== undefined) return `${figure(ours, unit)} / ${figure(theirs, unit)}`
  return bytes === undefined ? `${Math.round(ours)} / ${Math.round(theirs)} ns` : `${bytes} bytes`
}
