// node tests/torture/peers.mjs: runs the cases of the torture table on the libraries of ./peers, each in its own process, and writes
// peers/results.json with their versions. By hand, after a change of the cases or of peers/package.json; then `npm run torture`.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const here = fileURLToPath(new URL('.', import.meta.url))
const folder = join(here, 'peers')
const packages = fileURLToPath(new URL('../../packages/', import.meta.url))

/** The script of each subject, and the package whose version it stands for. */
const peers = {
  autotel: 'autotel',
  autometrics: '@autometrics/autometrics',
  'nestjs-otel': 'nestjs-otel',
  'dd-trace': 'dd-trace',
  sentry: '@sentry/node',
}

if (!existsSync(join(folder, 'node_modules')))
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' })

await build({
  configFile: false,
  logLevel: 'warn',
  resolve: {
    alias: [{ find: /^@throughline\/([a-z-]+)$/, replacement: `${packages}$1/src/index.ts` }],
  },
  ssr: { noExternal: true, external: ['@opentelemetry/api'] },
  build: {
    ssr: join(here, 'peer-cases.ts'),
    outDir: join(folder, 'dist'),
    emptyOutDir: true,
    target: 'node22',
    minify: false,
    rollupOptions: { output: { entryFileNames: 'cases.mjs' } },
  },
})

const results = {}
for (const [peer, name] of Object.entries(peers)) {
  const { version } = JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'))
  const file = join(tmpdir(), `throughline-torture-${process.pid}-${peer}.json`)
  process.stdout.write(`${name} ${version} …\n`)
  execFileSync(process.execPath, [join(folder, 'run.mjs'), peer, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env.PATH, AUTOTEL_LOG_LEVEL: 'silent' },
    timeout: 300_000,
  })
  results[peer] = { package: name, version, ...JSON.parse(readFileSync(file, 'utf8')) }
}
const file = join(folder, 'results.json')
writeFileSync(file, JSON.stringify({ node: process.version, peers: results }, round))
execFileSync(fileURLToPath(new URL('../../node_modules/.bin/biome', import.meta.url)), [
  'format',
  '--write',
  file,
])

function round(_key, value) {
  return typeof value === 'number' ? Math.round(value * 10) / 10 : value
}
