import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '@throughline/cli'
import { expect, test } from 'vitest'
import { removePostgresData } from '../../packages/cli/src/postgres/embedded.js'
import { type PortName, portVariable } from '../../packages/cli/src/stack/ports.js'
import { atEnd } from './support/test-stack.js'

const root = new URL('../..', import.meta.url).pathname
const run = promisify(execFile)

/** As a user's shell has it: nothing of the npm that runs these tests. */
function cleanEnv(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^npm_|^VITEST|^NODE_ENV$/.test(name))
  return { ...Object.fromEntries(own), ...more }
}

test('installed from its tarballs into an empty folder, npx throughline dev runs the whole pipeline', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-packed-'))
  atEnd(async () => {
    await removePostgresData(join(folder, '.throughline', 'postgres'))
    await rm(folder, { recursive: true, force: true })
  })
  const workspaces = (await readdir(join(root, 'packages'))).map((name) => `--workspace=packages/${name}`)
  await run('npm', ['pack', `--pack-destination=${folder}`, ...workspaces], { cwd: root, env: cleanEnv() })
  const tarballs = (await readdir(folder)).filter((name) => name.endsWith('.tgz')).map((name) => `./${name}`)
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
  await run(
    'npm',
    ['install', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs, '@opentelemetry/api@1.10.0'],
    { cwd: folder, env: cleanEnv() },
  )
  expect(
    existsSync(join(folder, 'node_modules/@throughline/cli/dist/assets/otel-collector/distribution/go.sum')),
  ).toBe(true)

  const ports = Object.entries(await freePorts()).map(([name, port]) => [
    portVariable(name as PortName),
    String(port),
  ])
  const { stdout } = await run('npx', ['--no-install', 'throughline', 'dev', '--once'], {
    cwd: folder,
    env: cleanEnv(Object.fromEntries(ports)),
  })
  expect(stdout).toContain('One operation, sent and followed')
  expect(stdout).not.toContain('Does not hold')
  expect(existsSync(join(folder, '.throughline/stack.lock'))).toBe(false)
})
