import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readLimits } from './cgroup.js'
import { cpuShare } from './cpu.js'
import { hostReader } from './host.js'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'jobs-host-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const paths = () => ({ proc: join(root, 'cgroup'), fs: join(root, 'fs') })
function group(own: string, files: Record<string, string>) {
  writeFileSync(paths().proc, own)
  for (const [name, text] of Object.entries(files)) {
    const path = join(paths().fs, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text)
  }
}

test('limits of version 2, of the group itself or the next above that has one', async () => {
  group('0::/app/worker\n', {
    'app/worker/cpu.max': 'max 100000\n',
    'app/cpu.max': '50000 100000\n',
    'app/cpu.stat': 'usage_usec 3000000\nuser_usec 1\n',
    'app/worker/memory.max': '1000000\n',
    'app/worker/memory.current': '700000\n',
    'app/worker/memory.stat': 'anon 1\ninactive_file 200000\n',
  })
  expect(await readLimits(paths())).toEqual({
    cpu: { used: 3, cpus: 0.5 },
    memory: { used: 500_000, limit: 1_000_000 },
  })
})

test('inside a container, where its own path of the host is not there', async () => {
  group('0::/docker/c0ffee\n', { 'memory.max': '100\n', 'memory.current': '50\n' })
  expect(await readLimits(paths())).toEqual({ cpu: undefined, memory: { used: 50, limit: 100 } })
})

test('limits of version 1', async () => {
  group('5:memory:/app\n4:cpu,cpuacct:/app\n1:name=systemd:/app\n', {
    'cpu/app/cpu.cfs_quota_us': '200000',
    'cpu/app/cpu.cfs_period_us': '100000',
    'cpuacct/app/cpuacct.usage': '5000000000',
    'memory/app/memory.limit_in_bytes': '1000',
    'memory/app/memory.usage_in_bytes': '600',
    'memory/app/memory.stat': 'inactive_file 1\ntotal_inactive_file 100\n',
  })
  expect(await readLimits(paths())).toEqual({
    cpu: { used: 5, cpus: 2 },
    memory: { used: 500, limit: 1_000 },
  })
})

test('no limit, in the words of both versions, and no control groups at all', async () => {
  group('0::/\n', { 'cpu.max': 'max 100000', 'memory.max': 'max', 'memory.current': '5' })
  expect(await readLimits(paths())).toEqual({ cpu: undefined, memory: undefined })
  group('5:memory:/\n4:cpu:/\n', {
    'cpu/cpu.cfs_quota_us': '-1',
    'cpu/cpu.cfs_period_us': '100000',
    'cpu/cpuacct.usage': '5',
    'memory/memory.limit_in_bytes': '9223372036854771712',
    'memory/memory.usage_in_bytes': '5',
  })
  expect(await readLimits(paths())).toEqual({ cpu: undefined, memory: undefined })
  expect(await readLimits({ proc: join(root, 'none'), fs: join(root, 'none') })).toEqual({
    cpu: undefined,
    memory: undefined,
  })
})

test('a group that uses all it may is full, however idle its host', () => {
  const share = cpuShare()
  share({ cpu: { used: 0, cpus: 0.5 }, memory: undefined })
  const end = performance.now() + 30
  while (performance.now() < end);
  expect(share({ cpu: { used: 1_000, cpus: 0.5 }, memory: undefined })).toBe(1)
})

test('this host: shares between nothing and all', async () => {
  const use = await hostReader(root)()
  expect(Object.keys(use)).toEqual(expect.arrayContaining(['memory', 'disk']))
  for (const value of Object.values(use)) {
    expect(value).toBeGreaterThanOrEqual(0)
    expect(value).toBeLessThanOrEqual(1)
  }
})

test('a folder that is not there costs the figure of the disk alone', async () => {
  const use = await hostReader(join(root, 'none'))()
  expect(use).not.toHaveProperty('disk')
  expect(use).toHaveProperty('memory')
})
