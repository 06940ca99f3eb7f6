import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

export type SiteFile = { type: string; body: Buffer; gzipped: Buffer; etag: string }

/** By path, as `/` and `/assets/main-CaTz1xyB.js`. */
export type Site = ReadonlyMap<string, SiteFile>

// The same folder seen from the sources and from what was built of them.
const folder = fileURLToPath(new URL('../../dist/console/site', import.meta.url))

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** All files of the console, in memory and packed: some hundred kB. Rejects when it was not built. */
export const readSite = async (): Promise<Site> => {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile() && types[extname(entry.name)] !== undefined)
  const entries = files.map(async (entry): Promise<[string, SiteFile]> => {
    const path = join(entry.parentPath, entry.name)
    const body = await readFile(path)
    const address = path.slice(folder.length).replaceAll('\\', '/')
    return [
      address === '/index.html' ? '/' : address,
      {
        type: types[extname(entry.name)]!,
        body,
        gzipped: await promisify(gzip)(body, { level: 9 }),
        etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
      },
    ]
  })
  return new Map(await Promise.all(entries))
}
