import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = fileURLToPath(new URL('..', import.meta.url))

export interface Compiled {
  /** Absolute path of the JavaScript. */
  readonly path: string
  remove(): Promise<void>
}

/** Compiles a fixture with the TypeScript of this repository; its errors are the message of what is thrown. */
export async function compileFixture(name: string, ...flags: string[]): Promise<Compiled> {
  // Below the package, so that its imports resolve as a user's do.
  const out = await mkdtemp(join(folder, 'dist/fixture-'))
  const source = join(folder, 'testing/fixtures', `${name}.ts`)
  const fixed = [
    '--ignoreConfig',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--types',
    'node',
  ]
  try {
    await run(process.execPath, [
      join(root, 'node_modules/typescript/bin/tsc'),
      source,
      ...fixed,
      '--rootDir',
      join(folder, 'testing/fixtures'),
      '--outDir',
      out,
      ...flags,
    ])
  } catch (error) {
    await rm(out, { recursive: true, force: true })
    throw new Error((error as { stdout?: string }).stdout || String(error))
  }
  return { path: join(out, `${name}.js`), remove: () => rm(out, { recursive: true, force: true }) }
}
