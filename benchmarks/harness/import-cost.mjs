// What `import '@throughline/core'` costs beside `import '@opentelemetry/api'`, which it needs: time, and bytes in a bundle.
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { median } from './compare.mjs'

const run = promisify(execFile)
const cwd = new URL('..', import.meta.url)

const timed = (specifier) => `
  const before = process.cpuUsage()
  await import('${specifier}')
  const { user, system } = process.cpuUsage(before)
  process.stdout.write(String(user + system))`

export async function importCost(processes) {
  const times = { '@opentelemetry/api': [], '@throughline/core': [] }
  for (let i = 0; i < processes * 3; i += 1) {
    for (const specifier of Object.keys(times)) {
      const { stdout } = await run(process.execPath, ['--input-type=module', '-e', timed(specifier)], { cwd })
      times[specifier].push(Number(stdout) * 1_000)
    }
  }
  const [theirs, ours] = [median(times['@opentelemetry/api']), median(times['@throughline/core'])]
  const bytes = await bundledBytes()
  return [
    {
      name: 'import of `@throughline/core`, against `@opentelemetry/api` alone',
      ours,
      theirs,
      ratio: ours / theirs,
      target: 1.3,
      gate: 1.5,
      why: 'the API is two thirds of it by itself; 1.1 on a quiet machine, up to 1.35 beside others, who disturb the reading of files',
    },
    {
      name: '`@throughline/core`, minified and gzipped, against 12 kB',
      bytes,
      ratio: bytes / 12_000,
      target: 1,
      gate: 1.1,
      why: 'result kinds, trust and propagation rules are in it; they are candidates for a subpath',
    },
  ]
}

async function bundledBytes() {
  const { build } = createRequire(import.meta.resolve('vite'))('esbuild')
  const { outputFiles } = await build({
    stdin: { contents: "export * from '@throughline/core'", resolveDir: new URL('.', cwd).pathname },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    external: ['@opentelemetry/api'],
  })
  return gzipSync(outputFiles[0].contents, { level: 9 }).byteLength
}
