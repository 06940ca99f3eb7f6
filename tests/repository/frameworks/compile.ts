import { join } from 'node:path'
import { run } from '../tarballs.js'
import { root } from '../workspace.js'

/** Compiles a folder by its tsconfig.json, with the TypeScript of this repository; what it found, empty when there is nothing. */
export function compile(folder: string, ...flags: string[]): Promise<string> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  return run(process.execPath, [tsc, '-p', folder, ...flags]).then(
    () => '',
    (error: { stdout?: string }) => error.stdout || String(error),
  )
}
