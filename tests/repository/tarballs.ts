import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { npmCli } from '../support/npm.js'
import { type Package, packages, root } from './workspace.js'

export const run = promisify(execFile)

interface Packed extends Package {
  tarball: string
  /** The unpacked tarball; beside it only what its own package.json asks for can be found. */
  unpacked: string
}

export interface Tarballs {
  packed: Packed[]
  /** An empty project in which every package is installed. */
  project: string
  remove(): void
}

/**
 * Packs all packages and lays them out as an installer would, without the network: each unpacked tarball sees the packages
 * that its package.json names and nothing else, so a dependency that is used but not declared is not found.
 */
export async function packAll(): Promise<Tarballs> {
  for (const { folder, path } of packages)
    if (!existsSync(join(path, 'dist')))
      throw new Error(`packages/${folder} has no dist: run npm run build first`)

  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'throughline-packages-'))
  const workspaces = packages.flatMap((entry) => ['--workspace', `packages/${entry.folder}`])
  const { stdout } = await run(
    process.execPath,
    [npmCli(), 'pack', ...workspaces, '--json', '--ignore-scripts', '--pack-destination', folder],
    { cwd: root, maxBuffer: 64 * 1024 * 1024 },
  )
  // npm 11 answers with a list, npm 12 with an object by name.
  const answers = Object.values(JSON.parse(stdout) as Record<string, { name: string; filename: string }>)

  const packed = await Promise.all(
    packages.map(async (entry) => {
      const answer = answers.find(({ name }) => name === entry.manifest.name)
      if (!answer) throw new Error(`npm packed no ${entry.manifest.name}`)
      const tarball = join(folder, answer.filename)
      const place = join(folder, 'unpacked', entry.folder)
      mkdirSync(place, { recursive: true })
      await run('tar', ['-xzf', tarball, '-C', place])
      return { ...entry, tarball, unpacked: join(place, 'package') }
    }),
  )

  const placeOf = (name: string) => packed.find(({ manifest }) => manifest.name === name)?.unpacked
  for (const { manifest, path, unpacked } of packed)
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }))
      link(unpacked, name, placeOf(name) ?? installed(name, path))

  const project = join(folder, 'project')
  for (const { manifest, unpacked } of packed) link(project, manifest.name, unpacked)
  for (const name of ['@opentelemetry/api', '@types/node']) link(project, name, installed(name, root))
  return { packed, project, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

function installed(name: string, from: string): string {
  const place = [from, root]
    .map((folder) => join(folder, 'node_modules', name))
    .find((path) => existsSync(path))
  if (!place) throw new Error(`${name} is not installed: run npm ci`)
  return realpathSync(place)
}

function link(project: string, name: string, target: string): void {
  const path = join(project, 'node_modules', name)
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(target, path, 'junction')
}
