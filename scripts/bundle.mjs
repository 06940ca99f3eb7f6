// One file instead of some fifty: a package whose exports point into `dist/bundle` is bundled there from what `tsc` made, for `import` and
// for `require`. What its root entry needs stands in `core`, which the other entries share, so that no module exists twice in a format.
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rollup } from 'rollup'

const BUNDLED = './dist/bundle/'

/** Bundles the package in `folder` if its exports ask for it and its bundle is older than what `tsc` made. */
export async function bundle(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const entries = Object.values(manifest.exports ?? {})
    .map((entry) => entry.import?.default ?? '')
    .filter((path) => path.startsWith(BUNDLED))
    .map((path) => basename(path, '.js'))
  if (entries.length === 0 || isFresh(folder)) return
  const input = Object.fromEntries(entries.map((name) => [name, join(folder, 'dist/esm', `${name}.js`)]))
  const output = join(folder, 'dist/bundle')
  rmSync(output, { recursive: true, force: true })
  const external = new RegExp(
    `^(?:node:|(?:${Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).join('|')})(?:/|$))`,
  )
  const build = await rollup({
    input,
    external,
    plugins: [withSourceMaps],
    onwarn(warning) {
      // An entry of types alone is an empty file.
      if (warning.code !== 'EMPTY_BUNDLE') throw new Error(`rollup: ${warning.message}`)
    },
  })
  let rooted
  const common = {
    dir: output,
    sourcemap: true,
    hoistTransitiveImports: false,
    manualChunks(id, { getModuleInfo }) {
      rooted ??= reachable(input.index, getModuleInfo)
      return rooted.has(id) ? 'core' : undefined
    },
  }
  await build.write({ ...common, format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name].js' })
  await build.write({
    ...common,
    format: 'cjs',
    exports: 'named',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name].cjs',
  })
  await build.close()
}

/** The maps that `tsc` wrote, so that those of the bundle lead to the TypeScript. */
const withSourceMaps = {
  name: 'source-maps-of-tsc',
  async load(id) {
    if (!existsSync(`${id}.map`)) return null
    const [code, map] = await Promise.all([readFile(id, 'utf8'), readFile(`${id}.map`, 'utf8')])
    return { code, map }
  },
}

/** What `tsc` made, and what decides how it is bundled, are older than the bundle. */
function isFresh(folder) {
  const bundled = join(folder, 'dist/bundle/index.cjs')
  if (!existsSync(bundled)) return false
  const sources = [
    join(folder, 'dist/esm/.tsbuildinfo'),
    join(folder, 'package.json'),
    fileURLToPath(import.meta.url),
  ]
  return sources.every((path) => statSync(path).mtimeMs < statSync(bundled).mtimeMs)
}

/** The modules that an entry needs, itself not among them. */
function reachable(entry, getModuleInfo) {
  const found = new Set([entry])
  for (const id of found) for (const next of getModuleInfo(id)?.importedIds ?? []) found.add(next)
  found.delete(entry)
  return found
}
