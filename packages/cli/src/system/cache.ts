import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CliError } from '../errors.js'

/** The user's cache folder for everything that can be made again: THROUGHLINE_CACHE_DIR, XDG_CACHE_HOME, ~/.cache. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.THROUGHLINE_CACHE_DIR || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'throughline')
}

export async function makeCacheFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true })
  } catch (cause) {
    throw new CliError(
      'TL_CACHE_UNUSABLE',
      `The cache folder ${path} cannot be made (${(cause as Error).message}). Name another one in THROUGHLINE_CACHE_DIR.`,
      { cause },
    )
  }
}
