import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll } from 'vitest'

const made: string[] = []

afterAll(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A folder with these files; removed after the test file. */
export function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'throughline-init-'))
  made.push(folder)
  put(folder, files)
  return folder
}

export function put(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
}

/** Every file below, byte by byte, and every folder; `except` names folders at the top that are nobody's source. */
export function contentsOf(
  folder: string,
  except: readonly string[] = ['node_modules'],
): Record<string, string> {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true })
    .map((entry) => ({
      entry,
      path: relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'),
    }))
    .filter(({ path }) => !except.includes(path.split('/')[0] as string))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
  return Object.fromEntries(
    entries.map(({ entry, path }) => [
      entry.isDirectory() ? `${path}/` : path,
      entry.isDirectory() ? '' : readFileSync(join(folder, path), 'latin1'),
    ]),
  )
}
