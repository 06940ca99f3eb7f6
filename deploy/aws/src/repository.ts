import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

/** The root of the repository: the configurations are the same files that run everywhere else. */
export const repositoryRoot = fileURLToPath(new URL('../../..', import.meta.url))

export const readRepository = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8')

/** A YAML file as compact JSON, which is YAML too: without the comments it fits into an environment variable. */
export const compactYaml = (path: string): string => JSON.stringify(parse(readRepository(path)))

/** Paths below a folder, relative to it, in order. */
export const filesOf = (folder: string, like: RegExp): string[] =>
  readdirSync(join(repositoryRoot, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && like.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(join(repositoryRoot, folder).length + 1))
    .sort()
