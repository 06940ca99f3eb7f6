import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { firstLine, kill9, runSource } from '../../testing/run-source.js'
import { withLock } from './lock.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-lock-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('of twenty that want the lock one works at a time, and nothing is left behind', async () => {
  const path = join(folder, 'lock')
  let inside = 0
  let most = 0
  const work = async () => {
    most = Math.max(most, ++inside)
    await new Promise((resolve) => setImmediate(resolve))
    inside--
  }
  await Promise.all(Array.from({ length: 20 }, () => withLock(path, {}, work)))
  expect(most).toBe(1)
  expect(await readdir(folder)).toEqual([])
})

test('the lock of a killed process is taken over at once', async () => {
  const path = join(folder, 'lock')
  const child = runSource(`
    import { withLock } from source('system/lock.ts')
    setInterval(() => {}, 1000)
    await withLock(${JSON.stringify(path)}, {}, () => { console.log('held'); return new Promise(() => {}) })`)
  await firstLine(child, (line) => line === 'held')
  await kill9(child)
  expect(await withLock(path, { timeoutMs: 0 }, async () => 'mine')).toBe('mine')
})

test('a stranger with the pid of the former owner does not hold the lock', async () => {
  const path = join(folder, 'lock')
  await writeFile(path, `${process.pid}\n1`)
  expect(await withLock(path, { timeoutMs: 0 }, async () => 'mine')).toBe('mine')
})

test('waiting for a living owner ends at the deadline, with the pid in the message', async () => {
  const path = join(folder, 'lock')
  await withLock(path, {}, async () => {
    const second = withLock(path, { timeoutMs: 10 }, async () => {})
    await expect(second).rejects.toMatchObject({
      code: 'TL_LOCK_TIMEOUT',
      message: expect.stringContaining(`Process ${process.pid} holds`),
    })
  })
})
