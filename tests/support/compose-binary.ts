import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from '../../packages/cli/src/system/cache.js'
import { withLock } from '../../packages/cli/src/system/lock.js'

/** The oldest 5.x that Go builds by its name alone: the later ones hold `exclude` lines, which `go install` refuses. */
const VERSION = '5.0.2'
const MODULE = `github.com/docker/compose/v5/cmd@v${VERSION}`

/**
 * The compose plugin as a program: `docker compose` without `docker`. Built once with Go, about a minute, and kept beside the other
 * binaries.
 */
export async function composeBinary(): Promise<string> {
  const folder = join(cacheFolder(), 'bin', `compose-${VERSION}`)
  const program = join(folder, 'docker-compose')
  if (existsSync(program)) return program
  await mkdir(join(cacheFolder(), 'bin'), { recursive: true })
  await withLock(`${folder}.lock`, { timeoutMs: 900_000 }, async () => {
    if (existsSync(program)) return
    const own = await mkdtemp(join(cacheFolder(), 'bin', 'compose-new-'))
    try {
      await promisify(execFile)('go', ['install', '-trimpath', '-ldflags=-s -w', MODULE], {
        env: { ...process.env, GOBIN: own, GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local', CGO_ENABLED: '0' },
        maxBuffer: 64 * 1024 * 1024,
      })
      await rename(join(own, 'cmd'), join(own, 'docker-compose'))
      await rename(own, folder)
    } finally {
      await rm(own, { recursive: true, force: true })
    }
  })
  return program
}
