// npm run lock: makes package-lock.json anew after a change of dependencies. `npm run lock -- tests/frameworks/nest` does it for a folder
// that stands outside the workspaces and has a lockfile of its own.
// In an empty folder, because what happens to be installed would colour the result; and on the Node of this repository, because an
// older one resolves older releases. `npm ci` insists on an entry for each optional package, also those of other platforms that a
// registry may not serve: such entries are completed here, by version and platform, so that they are skipped where they do not belong.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const target = resolve(root, process.argv[2] ?? '.')
const npm = process.env.npm_execpath
if (npm === undefined) throw new Error('Run it as: npm run lock')

const folder = mkdtempSync(join(tmpdir(), 'throughline-lock-'))
cpSync(join(target, 'package.json'), join(folder, 'package.json'))
cpSync(join(root, '.npmrc'), join(folder, '.npmrc'))
for (const workspace of target === root ? ['packages', 'examples'] : []) {
  for (const name of readdirSync(join(root, workspace))) {
    mkdirSync(join(folder, workspace, name), { recursive: true })
    cpSync(join(root, workspace, name, 'package.json'), join(folder, workspace, name, 'package.json'))
  }
}
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
const made = spawnSync(process.execPath, [npm, 'install', '--package-lock-only', '--loglevel=error'], {
  cwd: folder,
  env,
  stdio: 'inherit',
})
if (made.status === 0) {
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'))
  complete(lock.packages)
  writeFileSync(join(target, 'package-lock.json'), `${JSON.stringify(lock, null, 2)}\n`)
}
rmSync(folder, { recursive: true })
process.exitCode = made.status ?? 1

function complete(packages) {
  for (const { optionalDependencies = {}, dev } of Object.values(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (!/^\d/.test(version)) continue
      packages[`node_modules/${name}`] ??= {
        version,
        ...platform(name),
        ...(dev ? { dev } : {}),
        optional: true,
      }
    }
  }
  const sorted = Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [key] of sorted) delete packages[key]
  Object.assign(packages, Object.fromEntries(sorted))
}

/** What such packages say of themselves in their names: `rollup-linux-x64-musl`, `core-win32-ia32-msvc`. */
function platform(name) {
  const words = name.split(/[/-]/)
  const os = words.find((word) =>
    /^(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32|wasm32)$/.test(word),
  )
  const cpu = words.find((word) =>
    /^(arm|arm64|ia32|loong64|mips64el|ppc64|riscv64|s390x|wasm32|x64)$/.test(word),
  )
  const libc = { musl: 'musl', musleabihf: 'musl', gnu: 'glibc', gnueabihf: 'glibc' }[words.at(-1)]
  return {
    ...(os === undefined || os === 'wasm32' ? {} : { os: [os] }),
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(os === 'linux' && libc !== undefined ? { libc: [libc] } : {}),
  }
}
