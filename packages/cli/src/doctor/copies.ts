import { readdir, readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** One installed copy of a package. */
export interface Copy {
  readonly name: string
  readonly version: string
  /** Its folder, with links resolved. */
  readonly path: string
}

/** Folders beyond this are not looked into: no project of a person's has so many packages. */
const mostFolders = 20_000

/** The copy that code in this folder would load. */
export async function copyFor(folder: string, name: string): Promise<Copy | undefined> {
  for (const at of ancestors(folder)) {
    const copy = await copyAt(join(at, 'node_modules', name), name)
    if (copy !== undefined) return copy
  }
  return undefined
}

/**
 * Every copy of these packages that is installed for a project: in its own `node_modules` and those above it, and in those of the packages in
 * them, which npm nests, pnpm keeps in `.pnpm` and a workspace links.
 */
export async function copiesOf(
  names: readonly string[],
  folder: string,
  signal?: AbortSignal,
): Promise<Copy[]> {
  const waiting = ancestors(folder).map((at) => join(at, 'node_modules'))
  const seen = new Set<string>()
  const found = new Map<string, Copy>()
  while (waiting.length > 0 && seen.size < mostFolders) {
    signal?.throwIfAborted()
    const modules = waiting.pop()!
    for (const { name, path } of await packagesIn(modules)) {
      const real = await realpath(path).catch(() => undefined)
      if (real === undefined || seen.has(real)) continue
      seen.add(real)
      const copy = names.includes(name) ? await copyAt(real, name) : undefined
      if (copy !== undefined) found.set(real, copy)
      waiting.push(join(real, 'node_modules'))
    }
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function packagesIn(modules: string): Promise<{ name: string; path: string }[]> {
  const packages: { name: string; path: string }[] = []
  for (const entry of await listed(modules)) {
    const path = join(modules, entry)
    if (entry === '.pnpm') {
      for (const kept of await listed(path))
        packages.push(...(await packagesIn(join(path, kept, 'node_modules'))))
    } else if (entry.startsWith('@')) {
      for (const own of await listed(path)) packages.push({ name: `${entry}/${own}`, path: join(path, own) })
    } else if (!entry.startsWith('.')) packages.push({ name: entry, path })
  }
  return packages
}

function listed(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}

async function copyAt(path: string, name: string): Promise<Copy | undefined> {
  try {
    const found = JSON.parse(await readFile(join(path, 'package.json'), 'utf8')) as Record<string, unknown>
    if (found.name !== name || typeof found.version !== 'string') return undefined
    return { name, version: found.version, path: await realpath(path) }
  } catch {
    return undefined
  }
}

function ancestors(folder: string): string[] {
  const above = dirname(folder)
  return above === folder ? [folder] : [folder, ...ancestors(above)]
}
