import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { handOver, runningStack } from './handover.js'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'throughline-handover-'))
})
afterAll(() => rm(dir, { recursive: true }))

const urls = { recorder: 'http://127.0.0.1:4400' }

test('a stack that runs is found with its parts, by its owner alone, and not once it has ended', async () => {
  expect(runningStack(dir)).toBeUndefined()
  const handover = handOver({ dir, profile: 'hybrid', urls })
  handover.add('postgres')
  handover.add('recorder')
  handover.add('recorder')
  expect(runningStack(dir)).toEqual({
    dir,
    pid: process.pid,
    profile: 'hybrid',
    urls,
    parts: ['postgres', 'recorder'],
  })
  expect((await stat(join(dir, 'stack.json'))).mode & 0o777).toBe(0o600)
  handover.end()
  handover.add('collector')
  expect(runningStack(dir)).toBeUndefined()
})

test('a stack that was killed, and whose pid is another process now, does not run', async () => {
  handOver({ dir, profile: 'hybrid', urls }).add('recorder')
  const written = JSON.parse(await readFile(join(dir, 'stack.json'), 'utf8'))
  await writeFile(join(dir, 'stack.json'), JSON.stringify({ ...written, start: 'another' }))
  expect(runningStack(dir)).toBeUndefined()
  await writeFile(join(dir, 'stack.json'), '{"pid":')
  expect(runningStack(dir)).toBeUndefined()
})
