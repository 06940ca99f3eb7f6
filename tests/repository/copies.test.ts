import { readdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Manifest, packages, read, readManifest, root } from './workspace.js'

interface Lockfile {
  lockfileVersion: number
  packages: Record<string, Partial<Manifest> & { resolved?: string; link?: boolean }>
}

const lockfile = JSON.parse(read('package-lock.json')) as Lockfile
const entries = Object.entries(lockfile.packages)
const nameOf = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

describe('the lockfile', () => {
  test('asks for one copy of each OpenTelemetry package', () => {
    const copies = Map.groupBy(
      entries.filter(([path]) => nameOf(path).startsWith('@opentelemetry/')),
      ([path]) => nameOf(path),
    )
    const doubled = [...copies].filter(([, found]) => found.length > 1).map(([name]) => name)
    expect(doubled).toEqual([])
    expect(copies.has('@opentelemetry/api')).toBe(true)
  })

  test('holds no download address, so it works behind any registry', () => {
    const addresses = entries.filter(([, { resolved, link }]) => resolved !== undefined && link !== true)
    expect(addresses.map(([path]) => path)).toEqual([])
  })

  test('is of the version that every supported npm reads', () => {
    expect(lockfile.lockfileVersion).toBe(3)
  })

  test('knows each dependency as the package.json files have it, or npm ci refuses', () => {
    const workspaces = ['packages', 'examples'].flatMap((folder) =>
      readdirSync(join(root, folder)).map((name) => `${folder}/${name}`),
    )
    for (const folder of ['', ...workspaces]) {
      const { name, version, dependencies, devDependencies, peerDependencies } = readManifest(
        join(root, folder),
      )
      const entry = lockfile.packages[folder]
      expect(entry, folder).toMatchObject({ name, version })
      expect({ dependencies, devDependencies, peerDependencies }, folder).toEqual({
        dependencies: entry?.dependencies,
        devDependencies: entry?.devDependencies,
        peerDependencies: entry?.peerDependencies,
      })
    }
  })
})

test('one copy of each OpenTelemetry package is installed, at the version that we pin', () => {
  const found = new Map<string, string[]>()
  const visited = new Set<string>()
  const visit = (folder: string) => {
    if (visited.has(folder)) return
    visited.add(folder)
    for (const path of modulesIn(folder)) {
      const name = nameOf(path.replaceAll('\\', '/'))
      const real = realpathSync(path)
      if (name.startsWith('@opentelemetry/') && !found.get(name)?.includes(real))
        found.set(name, [...(found.get(name) ?? []), real])
      visit(real)
    }
  }
  visit(root)
  expect([...found].filter(([, copies]) => copies.length > 1)).toEqual([])

  for (const { manifest } of packages)
    for (const [name, version] of Object.entries(manifest.dependencies ?? {})) {
      if (!name.startsWith('@opentelemetry/')) continue
      expect(version, `${manifest.name} pins ${name} exactly`).toMatch(/^\d+\.\d+\.\d+$/)
      expect(readManifest(join(root, 'node_modules', name)).version, name).toBe(version)
    }
})

function modulesIn(folder: string): string[] {
  const modules = join(folder, 'node_modules')
  return childrenOf(modules).flatMap((name) =>
    name.startsWith('@')
      ? childrenOf(join(modules, name)).map((inner) => join(modules, name, inner))
      : [join(modules, name)],
  )
}

function childrenOf(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.name.startsWith('.') && !entry.isFile())
      .map((entry) => entry.name)
  } catch {
    return []
  }
}
