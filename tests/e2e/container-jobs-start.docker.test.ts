import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '@throughline/cli'
import { expect, test } from 'vitest'
import { removePostgresData } from '../../packages/cli/src/postgres/embedded.js'
import { type PortName, portVariable } from '../../packages/cli/src/stack/ports.js'
import { noEngine, startEngine } from '../support/docker-engine.js'
import { atEnd } from './support/test-stack.js'

const missing = await noEngine()
const start = fileURLToPath(new URL('../../scripts/start.mjs', import.meta.url))

/** What `npm start -- jobs --once --jobs 16` does, in a folder of its own on free ports. */
async function startJobs(env: Record<string, string>): Promise<{ code: number | null; printed: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-jobs-'))
  const ports = Object.entries(await freePorts()).map(([name, port]) => [
    portVariable(name as PortName),
    String(port),
  ])
  const child = spawn(process.execPath, [start, 'jobs', '--once', '--jobs', '16'], {
    cwd: folder,
    env: { ...process.env, ...Object.fromEntries(ports), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve))
  atEnd(async () => {
    child.kill('SIGINT')
    await exit
    await removePostgresData(join(folder, '.throughline', 'postgres'))
    await rm(folder, { recursive: true, force: true })
  })
  return { code: await exit, printed }
}

test('without a docker engine `npm start -- jobs` says what is missing and how to get it', async () => {
  const { code, printed } = await startJobs({ DOCKER_HOST: 'unix:///nowhere/docker.sock' })
  expect(code).toBe(1)
  expect(printed).toContain('No Docker engine answers at unix:///nowhere/docker.sock')
  expect(printed).toContain('apt-get install docker.io busybox-static')
  expect(printed).not.toContain('Postgres')
})

test.skipIf(missing)(
  'with a docker engine it tells where the time of the jobs went, and everybody agrees',
  async () => {
    const engine = await startEngine()
    atEnd(() => engine.stop())
    const { connection } = engine
    const host =
      'socketPath' in connection
        ? `unix://${connection.socketPath}`
        : `tcp://${connection.host}:${connection.port}`
    const { code, printed } = await startJobs({ DOCKER_HOST: host })
    expect(code, printed).toBe(0)
    expect(printed).toMatch(/Where the time went: 16 jobs in \d+\.\d s/)
    expect(printed).toMatch(/✔ Rows, completed and failed {2}12 and 4/)
    expect(printed).toMatch(/✔ docker ps -a {16}15 containers/)
    expect(printed).not.toContain('Does not hold')
  },
)
