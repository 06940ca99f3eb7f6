// A Postgres of its own for one scenario, with Postgres' default settings: fsync and synchronous_commit are on.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removePostgresData, startPostgres } from '../../packages/cli/dist/postgres/embedded.js'

/** Runs `work(url)` and removes everything afterwards. */
export async function withPostgres(work) {
  const dir = await mkdtemp(join(tmpdir(), 'throughline-bench-'))
  const running = await startPostgres({ dir, port: await freePort() })
  try {
    return await work(running.url)
  } finally {
    await running.stop()
    await removePostgresData(dir)
    await rm(dir, { recursive: true, force: true })
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
