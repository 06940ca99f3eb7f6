import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { until } from '../../sdk/testing/until.js'

export interface TestRedis {
  /** A Unix socket: nobody else can reach it. */
  path: string
  stop(): Promise<void>
}

const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
const program = folders.map((folder) => join(folder, 'redis-server')).find(isProgram)

/** Why there is no Redis to test with, for `describe.skipIf`. Under CI it throws: there such a test may not be skipped. */
export const noRedis = (): string | undefined => {
  if (program !== undefined) return undefined
  const reason = 'redis-server is not installed; Debian has it as: apt-get install redis-server'
  if (process.env.CI === 'true') throw new Error(reason)
  return reason
}

/** A real Redis of its own in a temporary folder, without TCP and without persistence. */
export const startRedis = async (): Promise<TestRedis> => {
  // The address of a Unix socket has 108 characters.
  const dir = await mkdtemp(join(tmpdir().length < 60 ? tmpdir() : '/tmp', 'tl-redis-'))
  const path = join(dir, 'r.sock')
  const options = ['--port', '0', '--unixsocket', path, '--save', '', '--appendonly', 'no', '--dir', dir]
  const child = spawn(program ?? '', options, { stdio: 'ignore' })
  const end = () => void child.kill()
  // A worker that is ended in mid-test runs no hook.
  process.on('exit', end)
  await until('Redis answers', () => answers(path, child))
  return {
    path,
    async stop() {
      process.off('exit', end)
      if (child.exitCode === null && child.signalCode === null) {
        child.kill()
        await once(child, 'exit')
      }
      await rm(dir, { recursive: true, force: true })
    },
  }
}

const answers = async (path: string, child: ChildProcess): Promise<boolean> => {
  if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`)
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
