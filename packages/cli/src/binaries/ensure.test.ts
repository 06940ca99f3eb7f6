import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { binariesStatus, ensureBinaries, ensureBinary, findBinary } from './ensure.js'
import { moduleSpecs } from './modules.js'
import { formatProgress } from './progress.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-ensure-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('a binary named in the environment is taken as it is', async () => {
  const own = join(folder, 'my-collector')
  await writeFile(own, '#!/bin/sh\n', { mode: 0o755 })
  const options = { cacheDir: folder, env: { PATH: folder, THROUGHLINE_OTELCOL: own } }
  expect(await ensureBinary('otelcol', options)).toBe(own)
  expect(await ensureBinaries(['otelcol'], options)).toEqual(new Map([['otelcol', own]]))
  expect(await binariesStatus(options)).toEqual([
    { name: 'otelcol', source: 'environment', path: own },
    { name: 'jaeger', source: 'none' },
    { name: 'prometheus', source: 'none' },
    { name: 'promtool', source: 'none' },
  ])
})

test('a variable that names no executable is refused by name', async () => {
  const own = join(folder, 'missing')
  const options = { cacheDir: folder, env: { THROUGHLINE_PROMTOOL: own } }
  await expect(findBinary('promtool', options)).rejects.toMatchObject({
    code: 'TL_BINARY_NOT_FOUND',
    message: `THROUGHLINE_PROMTOOL is ${own}, which is not an executable file.`,
  })
})

test('nothing is built by looking', async () => {
  expect(await findBinary('jaeger', { cacheDir: join(folder, 'cache'), env: {} })).toBeUndefined()
  expect(existsSync(join(folder, 'cache'))).toBe(false)
})

test('every module is there with pinned versions and checksums', () => {
  for (const { dir, name } of moduleSpecs()) {
    expect(existsSync(join(dir, 'go.mod')), `${name} go.mod`).toBe(true)
    expect(existsSync(join(dir, 'go.sum')), `${name} go.sum`).toBe(true)
  }
})

test('progress is one line: which of how many, time, last line of the compiler', () => {
  const progress = {
    title: 'Jaeger',
    index: 2,
    count: 3,
    packages: 12,
    lastLine: 'golang.org/x/net',
    elapsedMs: 67_400,
  }
  expect(formatProgress({ ...progress, phase: 'building' })).toBe(
    '[2/3] Jaeger  1:07  12 packages  golang.org/x/net',
  )
  expect(formatProgress({ ...progress, phase: 'waiting', holder: 99 })).toBe(
    '[2/3] Jaeger  1:07  process 99 is building it, waiting for its result',
  )
})
