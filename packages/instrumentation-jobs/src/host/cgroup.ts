import { readFile } from 'node:fs/promises'
import { posix } from 'node:path'

/** Where the kernel tells of control groups. */
export interface CgroupPaths {
  readonly proc: string
  readonly fs: string
}

export const PATHS: CgroupPaths = { proc: '/proc/self/cgroup', fs: '/sys/fs/cgroup' }

/** What the group of this process may use and uses; undefined where nothing limits it. */
export interface Limits {
  /** CPU time that was used so far, in seconds, and how many CPUs it may take at once. */
  readonly cpu: { readonly used: number; readonly cpus: number } | undefined
  /** Bytes, without what the kernel drops as soon as somebody needs it. */
  readonly memory: { readonly used: number; readonly limit: number } | undefined
}

/** Larger than any machine: how version 1 says that there is no limit. */
const UNLIMITED = 2 ** 60

/** Reads version 2, else version 1, from the group of this process up to the first that has a limit. */
export async function readLimits(paths: CgroupPaths = PATHS): Promise<Limits> {
  const groups = await groupsOf(paths)
  const unified = groups.get('')
  const cpu =
    (await upwards(paths.fs, '', unified, cpuOf2)) ??
    (await upwards(paths.fs, 'cpu', groups.get('cpu'), cpuOf1))
  const memory =
    (await upwards(paths.fs, '', unified, memoryOf2)) ??
    (await upwards(paths.fs, 'memory', groups.get('memory'), memoryOf1))
  return { cpu, memory }
}

/** The path of this process in each hierarchy; that of version 2 has no name. */
async function groupsOf({ proc }: CgroupPaths): Promise<Map<string, string>> {
  const groups = new Map<string, string>()
  for (const line of ((await text(proc)) ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) continue
    for (const name of controllers.split(',')) groups.set(name, path)
  }
  return groups
}

/** Inside a container the path of the host may not be there: then its own group is the root of what it sees. */
async function upwards<T>(
  fs: string,
  controller: string,
  path: string | undefined,
  read: (folder: string) => Promise<T | undefined>,
): Promise<T | undefined> {
  if (path === undefined) return undefined
  const root = posix.join(fs, controller)
  for (let at = posix.normalize(path); ; at = posix.dirname(at)) {
    const found = await read(posix.join(root, at))
    if (found !== undefined || at === '/' || at === '.') return found
  }
}

async function cpuOf2(folder: string): Promise<Limits['cpu']> {
  const [quota, period] = ((await text(`${folder}/cpu.max`)) ?? '').trim().split(' ').map(Number)
  const used = keyed(await text(`${folder}/cpu.stat`), 'usage_usec')
  return cpu(quota, period, used === undefined ? undefined : used / 1e6)
}

async function cpuOf1(folder: string): Promise<Limits['cpu']> {
  const quota = await number(`${folder}/cpu.cfs_quota_us`)
  const period = await number(`${folder}/cpu.cfs_period_us`)
  // Mounted together as a rule, and each reachable under its own name.
  const used =
    (await number(`${folder}/cpuacct.usage`)) ??
    (await number(`${folder.replace('/cpu/', '/cpuacct/')}/cpuacct.usage`))
  return cpu(quota, period, used === undefined ? undefined : used / 1e9)
}

function cpu(quota: number | undefined, period: number | undefined, used: number | undefined): Limits['cpu'] {
  // `max` is no number, -1 is no limit.
  const limited = quota !== undefined && quota > 0 && period !== undefined && period > 0
  return limited && used !== undefined ? { used, cpus: quota / period } : undefined
}

async function memoryOf2(folder: string): Promise<Limits['memory']> {
  const limit = await number(`${folder}/memory.max`)
  const used = await number(`${folder}/memory.current`)
  return memory(limit, used, keyed(await text(`${folder}/memory.stat`), 'inactive_file'))
}

async function memoryOf1(folder: string): Promise<Limits['memory']> {
  const limit = await number(`${folder}/memory.limit_in_bytes`)
  const used = await number(`${folder}/memory.usage_in_bytes`)
  return memory(limit, used, keyed(await text(`${folder}/memory.stat`), 'total_inactive_file'))
}

function memory(limit: number | undefined, used: number | undefined, cache = 0): Limits['memory'] {
  if (limit === undefined || used === undefined || !(limit > 0) || limit >= UNLIMITED) return undefined
  return { used: Math.max(0, used - cache), limit }
}

function keyed(stat: string | undefined, key: string): number | undefined {
  const found = new RegExp(`^${key} (\\d+)$`, 'm').exec(stat ?? '')?.[1]
  return found === undefined ? undefined : Number(found)
}

async function number(path: string): Promise<number | undefined> {
  const value = Number.parseInt((await text(path)) ?? '', 10)
  return Number.isNaN(value) ? undefined : value
}

/** Not there, or not ours to read: as if nothing were limited. */
function text(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}
