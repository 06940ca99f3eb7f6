import { existsSync, readdirSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { CliError } from '../errors.js'
import { builderOf, type Dependencies, detectFramework, type Framework } from './framework.js'
import {
  detectPackageManager,
  isWorkspaceRoot,
  type PackageManager,
  workspaceRoot,
} from './package-manager.js'
import { readJson, readText } from './read.js'

/** The service as it stands in its folder. */
export interface Project {
  /** Absolute. */
  readonly folder: string
  /** `package.json`, byte by byte. */
  readonly manifest: string
  /** `service.name`: the package's name without its scope. */
  readonly service: string
  readonly packageManager: PackageManager
  /** The folder of the workspace that it is a member of, as seen from the service. */
  readonly workspace: string | undefined
  readonly modules: 'esm' | 'commonjs'
  readonly typescript: boolean
  readonly framework: Framework
  readonly scripts: Readonly<Record<string, string>>
  /** Of all kinds, with their ranges. */
  readonly dependencies: Dependencies
  /** What says to nodemon what it runs. */
  readonly nodemonConfig: string | undefined
}

/** @throws CliError `TL_INIT_REFUSED` saying what is not understood, where, and what to do. */
export function readProject(folder: string): Project {
  const path = join(folder, 'package.json')
  const manifest = readText(path)
  if (manifest === undefined)
    refuse(`There is no package.json in ${folder}.`, 'Go to the folder of a service and start again.')
  const json = parse(path, manifest)
  const scripts = strings(json.scripts)
  const dependencies = {
    ...strings(json.peerDependencies),
    ...strings(json.optionalDependencies),
    ...strings(json.devDependencies),
    ...strings(json.dependencies),
  }
  if (isWorkspaceRoot(folder) && !Object.keys(scripts).some((name) => isStartName(name)))
    refuse(
      `${path} is the root of a workspace, and no service: it has no start script.`,
      'Go to the folder of the service in it, where its package.json is, and start again.',
    )
  const builder = builderOf(dependencies)
  if (builder !== undefined)
    refuse(
      `${path}: this is an application of ${builder}, which builds and starts its server itself. That is not supported yet.`,
      'Call start() of @throughline/sdk where the framework lets you run code before the server: docs/guides/sdk.md.',
    )
  const root = workspaceRoot(folder)
  const name = typeof json.name === 'string' && json.name !== '' ? json.name : basename(folder)
  return {
    folder,
    manifest,
    service: name.replace(/^@[^/]+\//, ''),
    packageManager: detectPackageManager(folder, root ?? folder),
    workspace: root && relative(folder, root),
    modules: json.type === 'module' ? 'esm' : 'commonjs',
    typescript: existsSync(join(folder, 'tsconfig.json')) || Object.hasOwn(dependencies, 'typescript'),
    framework: detectFramework(dependencies),
    scripts,
    dependencies,
    nodemonConfig: nodemonConfig(folder, json),
  }
}

/** Names of scripts that start a service: `start`, `start:prod`, `dev`, `serve-local`. */
export function isStartName(name: string): boolean {
  return /^(?:start|dev|develop|serve|server|watch|debug|prod|worker)(?:[:._-].*)?$/.test(name)
}

export function refuse(what: string, mend: string): never {
  throw new CliError('TL_INIT_REFUSED', `${what}\n${mend}\nNothing was changed.`)
}

function parse(path: string, text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    refuse(`${path} is not JSON: ${(error as Error).message}`, 'Mend it and start again.')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  return refuse(`${path} holds no object.`, 'Mend it and start again.')
}

function strings(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

function nodemonConfig(folder: string, manifest: Record<string, unknown>): string | undefined {
  const tells = (config: unknown) =>
    typeof config === 'object' && config !== null && ('exec' in config || 'execMap' in config)
  if (tells(readJson(join(folder, 'nodemon.json')))) return 'nodemon.json'
  return tells(manifest.nodemonConfig) ? 'nodemonConfig in package.json' : undefined
}

/** Source files of the service, relative, with forward slashes: neither installed nor built ones. */
export function sourceFiles(folder: string, most = 2_000): string[] {
  const found: string[] = []
  const skipped = /^(?:node_modules|dist|build|out|coverage|test|tests|__tests__|\..*)$/
  const visit = (inside: string): void => {
    for (const entry of readdirSync(join(folder, inside), { withFileTypes: true })) {
      if (found.length >= most) return
      const path = inside === '' ? entry.name : `${inside}/${entry.name}`
      if (entry.isDirectory() && !skipped.test(entry.name)) visit(path)
      else if (
        entry.isFile() &&
        /\.[cm]?[jt]sx?$/.test(entry.name) &&
        !/\.(?:test|spec|d)\./.test(entry.name)
      )
        found.push(path)
    }
  }
  visit('')
  return found.sort()
}
