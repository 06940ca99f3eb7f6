import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readJson } from './read.js'

export type PackageManagerName = 'npm' | 'pnpm' | 'yarn' | 'bun'

export interface PackageManager {
  readonly name: PackageManagerName
  /** What said so: a file and, of package.json, its field. */
  readonly because: string
  readonly install: string
  /** Runs a script: `npm start`. */
  readonly run: (script: string) => string
  /** Other lockfiles beside it: somebody has to decide. */
  readonly others: readonly string[]
}

const LOCKFILES: readonly (readonly [string, PackageManagerName])[] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
]

/** From the folder upwards to the root of its workspace: the field `packageManager` wins, then the nearest lockfile. */
export function detectPackageManager(folder: string, top: string): PackageManager {
  const folders = upwards(folder, top)
  const locks = folders
    .map((place) => LOCKFILES.filter(([file]) => existsSync(join(place, file))))
    .find((found) => found.length > 0)
  for (const place of folders) {
    const field = readJson(join(place, 'package.json'))?.packageManager
    const name = typeof field === 'string' ? field.split('@')[0] : undefined
    if (isName(name)) {
      const others = (locks ?? []).filter(([, of]) => of !== name).map(([file]) => file)
      return managed(name, `packageManager: ${field}`, others)
    }
  }
  const [first, ...more] = locks ?? []
  if (first === undefined) return managed('npm', 'no lockfile', [])
  return managed(
    first[1],
    first[0],
    more.filter(([, of]) => of !== first[1]).map(([file]) => file),
  )
}

/** The folder of the workspace that this one is a member of; undefined when it stands alone. */
export function workspaceRoot(folder: string): string | undefined {
  for (const place of upwards(dirname(folder), undefined)) {
    if (isWorkspaceRoot(place)) return place
    // A repository ends what can be one project.
    if (existsSync(join(place, '.git'))) return undefined
  }
  return undefined
}

export function isWorkspaceRoot(folder: string): boolean {
  const workspaces = readJson(join(folder, 'package.json'))?.workspaces
  return workspaces !== undefined || existsSync(join(folder, 'pnpm-workspace.yaml'))
}

function managed(name: PackageManagerName, because: string, others: readonly string[]): PackageManager {
  const runsByName = name === 'npm' || name === 'bun'
  return {
    name,
    because,
    others,
    install: `${name} install`,
    run: (script) => (runsByName && script !== 'start' ? `${name} run ${script}` : `${name} ${script}`),
  }
}

function upwards(from: string, top: string | undefined): string[] {
  const folders: string[] = []
  for (let place = from; ; place = dirname(place)) {
    folders.push(place)
    if (place === top || dirname(place) === place) return folders
  }
}

function isName(name: string | undefined): name is PackageManagerName {
  return name === 'npm' || name === 'pnpm' || name === 'yarn' || name === 'bun'
}
