import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, openStack, type Stack } from '@throughline/cli'
import { afterAll } from 'vitest'
import { resetExample } from '../../../examples/dyno-allocation/src/database.js'
import { removePostgresData } from '../../../packages/cli/src/postgres/embedded.js'

const cleanups: (() => Promise<void>)[] = []

afterAll(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

/** What shall happen when the tests of this file are over, last added first. */
export function atEnd(clean: () => Promise<void>): void {
  cleanups.push(clean)
}

/** A stack of its own in a folder of its own on free ports, with Postgres and the recorder running; gone when the file's tests are over. */
export async function testStack(
  options: {
    profile?: 'hybrid' | 'prometheus' | 'cloudwatch'
    collectorSettings?: Record<string, string>
    ruleFiles?: string[]
    valueModel?: string
  } = {},
): Promise<Stack> {
  const dir = await mkdtemp(join(tmpdir(), 'throughline-e2e-'))
  const stack = await openStack({ dir, ports: await freePorts(), ...options })
  atEnd(async () => {
    await stack.stop()
    await removePostgresData(join(dir, 'postgres'))
    await rm(dir, { recursive: true, force: true })
  })
  await stack.startPostgres()
  await resetExample(stack.databaseUrl)
  await stack.startRecorder()
  return stack
}
