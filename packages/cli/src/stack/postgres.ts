import { join } from 'node:path'
import { type RunningPostgres, startPostgres } from '../postgres/embedded.js'
import { ended, signal as sendSignal } from '../system/processes.js'
import type { Part } from './part.js'

interface PostgresPart extends Part {
  /** With user and password; undefined before the first start. */
  readonly databaseUrl: string | undefined
}

/** The embedded Postgres as a part. It checks its own port and takes over a postmaster whose parent was killed. */
export function postgresPart(dir: string, port: number, log: (line: string) => void): PostgresPart {
  let current: RunningPostgres | undefined
  let databaseUrl: string | undefined
  return {
    name: 'postgres',
    url: `postgres://127.0.0.1:${port}`,
    logFile: join(dir, 'postgres.log'),
    get databaseUrl() {
      return databaseUrl
    },
    get pid() {
      return current?.pid
    },
    get running() {
      return current !== undefined
    },
    async start() {
      if (current) return
      current = await startPostgres({ dir, port, log })
      databaseUrl = current.url
    },
    async stop() {
      const stopping = current
      current = undefined
      if (!stopping) return
      sendSignal(stopping.pid, 'SIGCONT')
      await stopping.stop()
    },
    async kill(signal) {
      if (!current) return
      const { pid } = current
      sendSignal(pid, signal)
      if (signal === 'SIGSTOP' || signal === 'SIGCONT') return
      current = undefined
      await ended(pid, 10_000)
    },
  }
}
