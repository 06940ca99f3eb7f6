import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

interface Hooks {
  register(options: { shouldInclude(url: string, specifier: string): boolean }): void
}

/** The copies of import-in-the-middle whose hooks stand; empty when ES modules are not hooked at all. */
const standing = new Set<string>()
/** Modules that another copy than ours hooks: of two that take one module the second is not asked. */
const elsewhere = new Set<string>()

/**
 * Hooks the loading of ES modules, for instrumentations that see the copy of import-in-the-middle at this URL.
 * @throws on a Node before 22.22.3 and 24.11.1, which cannot.
 */
export async function hookModules(url: string): Promise<void> {
  const { register } = (await import(url)) as Hooks
  register({ shouldInclude: (_, specifier) => !elsewhere.has(specifier) })
  standing.add(realpathSync(fileURLToPath(url)))
}

/**
 * An installed instrumentation may have brought a copy of its own (pnpm, another version): hooks of ours would not reach it. That copy then
 * hooks the modules that the instrumentation is about, and no other.
 */
export async function hookModulesOf(instrumentation: string, names: string[]): Promise<void> {
  if (standing.size === 0) return
  const base = createRequire(instrumentation).resolve('@opentelemetry/instrumentation')
  const path = realpathSync(createRequire(base).resolve('import-in-the-middle/register-hooks.mjs'))
  const [ours] = standing
  if (path === ours) return
  for (const name of names) elsewhere.add(name)
  if (standing.has(path)) return
  standing.add(path)
  const { register } = (await import(pathToFileURL(path).href)) as Hooks
  register({ shouldInclude: (_, specifier) => elsewhere.has(specifier) })
}
