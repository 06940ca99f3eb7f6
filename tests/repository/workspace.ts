import { type Dirent, existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

export interface Manifest {
  name: string
  version: string
  private?: boolean
  bin?: Record<string, string>
  exports: Record<string, Record<string, unknown>>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

export interface Package {
  /** The folder's name, such as `core`. */
  folder: string
  path: string
  manifest: Manifest
}

export const packages: Package[] = readdirSync(join(root, 'packages'))
  .map((folder) => ({ folder, path: join(root, 'packages', folder) }))
  .filter(({ path }) => existsSync(join(path, 'package.json')))
  .map((entry) => ({ ...entry, manifest: readManifest(entry.path) }))

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

/** What is written by hand: neither installed, nor built, nor data. */
const ignored = new Set(['node_modules', 'dist', '.git', '.throughline', 'coverage'])

/** Every file below the folder, relative to the root, with forward slashes. */
export function filesBelow(folder: string, keep: (path: string) => boolean = () => true): string[] {
  const found: string[] = []
  const visit = (path: string, entry: Dirent) => {
    if (ignored.has(entry.name)) return
    if (entry.isDirectory()) for (const child of list(path)) visit(join(path, child.name), child)
    else if (entry.isFile()) found.push(relative(root, path).replaceAll('\\', '/'))
  }
  for (const child of list(join(root, folder))) visit(join(root, folder, child.name), child)
  return found.filter(keep).sort()
}

const list = (path: string): Dirent[] => (existsSync(path) ? readdirSync(path, { withFileTypes: true }) : [])

export const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** TypeScript that is shipped or shown: sources of packages and examples without their tests. */
export const shippedSources = (): string[] =>
  ['packages', 'examples'].flatMap((folder) =>
    filesBelow(folder, (path) => /^[^/]+\/[^/]+\/src\/.*\.ts$/.test(path) && !path.endsWith('.test.ts')),
  )
