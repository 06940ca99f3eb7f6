import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Notices } from '../notices.js'
import { adopt } from './adoption.js'
import { createDiskSync } from './disk-sync.js'
import { claimFolder, type OwnFolder } from './folders.js'
import { MAX_FRAME_BYTES } from './frame.js'
import { type MemorySegment, memorySegment } from './memory-segment.js'
import { thisHost } from './owner.js'
import { openQuarantine } from './quarantine.js'
import { createSegment, type Segment } from './segment.js'
import { volatileSpool } from './volatile.js'

/*
 * The spool keeps every record of this instance until it is acknowledged.
 *
 * writing   The usual state: a record is appended to the current segment file before the call that made it returns. A segment that has
 *           reached 8 MiB is sealed and the next one begun. Left when a write fails (disk full, read-only, folder gone) or two writes in
 *           a row took more than 50 ms: to memory.
 * memory    Records are kept in memory, at most 8 MiB of them, beyond which the newest is refused and counted; the callers wait for no
 *           disk. After 5 s (1 s if the disk was slow) a new segment file is tried: what waits in memory moves into it in one write. If
 *           that works: writing. At the end of the process it is tried once more. The only state with durability 'memory'.
 * unplaced  The folder could not be made at the start: as memory, and it is tried again at every beat (30 s).
 * full      The segments on disk have reached the cap. With `drops: 'newest'` new records are refused and counted until the reader has freed
 *           a segment; with 'oldest' the oldest segment is given up for them, and its records counted.
 * closed    After `close`. Records are refused and counted. What is not sent stays in the folder for the next instance.
 *
 * Readers (the shipper) take the oldest segment that has something to send, adopted ones first. A sealed segment that is wholly acknowledged
 * is removed. Folders of instances that died are adopted at the start and at every beat.
 */

const MIB = 2 ** 20

/** Every bound of the spool but its cap. */
export interface SpoolLimits {
  /** 8 MiB: large enough that sealing is rare, small enough that disk is given back soon. */
  readonly segmentBytes: number
  readonly memoryBytes: number
  readonly quarantineBytes: number
  /** A caller waits for it; a single one may be the scheduler's doing. */
  readonly slowWriteMs: number
  readonly slowRestMs: number
  readonly failedRestMs: number
  readonly foreignMs: number
  readonly absentMs: number
}

const LIMITS: SpoolLimits = {
  segmentBytes: 8 * MIB,
  memoryBytes: 8 * MIB,
  quarantineBytes: 64 * MIB,
  slowWriteMs: 50,
  slowRestMs: 1_000,
  failedRestMs: 5_000,
  foreignMs: 600_000,
  absentMs: 120_000,
}
/** A segment is given back as a whole: with fewer than four of them below the cap, a cap that is reached would stay reached. */
const LEAST_SEGMENTS = 4
/** A segment that the disk does not read holds up those behind it no longer than one request in this time. */
const UNREADABLE_MS = 30_000

export interface Spool {
  append(payload: Uint8Array, seq: number): void
  /** The oldest segment with something to send. */
  readable(): Segment | undefined
  /** Passes a segment over for a while. */
  setAside(segment: Segment): void
  /** Removes segments that are sent; called after each acknowledgement. */
  tidy(): void
  /** Says that this instance lives, and takes over what dead ones left. Returns the number of segments. */
  adopt(): Promise<number>
  /** Bytes not yet acknowledged, about: whole segments count as a whole. */
  pendingBytes(): number
  /** Bytes of records that are in memory alone. */
  memoryBytes(): number
  /** Whether everything appended is acknowledged. */
  readonly empty: boolean
  /** A question to ask again and again: whether everything appended before this moment is acknowledged. */
  mark(): () => boolean
  /** Keeps a record that no receiver will take, in `quarantine-<instance>.seg` beside the folders of instances. */
  quarantine(from: Segment, payload: Uint8Array, seq: number): void
  /** The process ends: brings to the disk what is in memory, and says that the folder may be adopted. May be called in `exit`. */
  leave(): void
  close(): Promise<void>
}

export interface SpoolOptions {
  readonly dir: string
  readonly instance: string
  readonly resource: Uint8Array
  /** Disk that the segments of this instance and those it adopted may take. */
  readonly maxBytes: number
  /** Which records are given up at the cap. Default `newest`. */
  readonly drops?: 'newest' | 'oldest'
  readonly durability: 'process' | 'memory' | 'host'
  readonly notices: Notices
  readonly limits?: Partial<SpoolLimits>
}

export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { dir, instance, resource, maxBytes, durability, notices, drops = 'newest' } = options
  const limits = { ...LIMITS, ...options.limits }
  const segmentBytes = Math.min(limits.segmentBytes, Math.floor(maxBytes / LEAST_SEGMENTS))
  const host = thisHost()
  const quarantine = openQuarantine(dir, Math.min(limits.quarantineBytes, maxBytes), notices)
  const disk =
    durability === 'host'
      ? createDiskSync((error) => notices.note('spool_write_failed', `fdatasync: ${message(error)}`))
      : undefined
  let folder: OwnFolder | undefined
  let mode: 'writing' | 'memory' | 'closed' = 'memory'
  let number = 0
  let sealed: Segment[] = []
  let sealedBytes = 0
  let current: Segment | undefined
  let memory: MemorySegment | undefined
  let slowInRow = 0
  let placedAt = 0
  let adopting: Promise<number> | undefined
  let retry: NodeJS.Timeout | undefined
  const setAside = new WeakMap<Segment, number>()

  async function place(): Promise<void> {
    if (durability === 'memory' || mode === 'closed') return
    placedAt = performance.now()
    try {
      folder = await claimFolder(dir, instance, host)
      disk?.named(dir)
      const warning = volatileSpool(dir, durability)
      if (warning !== undefined) notices.note('spool_volatile', warning)
      recover()
    } catch (error) {
      folder = undefined
      notices.note(
        'spool_write_failed',
        `${dir} cannot be used, records are kept in memory only: ${message(error)}`,
      )
    }
  }

  async function beat(own: OwnFolder): Promise<void> {
    try {
      await own.beat()
    } catch (error) {
      notices.note('spool_write_failed', `${own.path}: ${message(error)}`)
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return
      // Somebody removed the folder. What is open can still be read and sent; what comes now needs a place with a name.
      await own.close()
      seal()
      await place()
    }
  }

  function leave(): void {
    if (mode === 'closed' || folder === undefined) return
    recover()
    try {
      folder.leave()
    } catch (error) {
      notices.note('spool_write_failed', `${folder.path}: ${message(error)}`)
    }
  }

  async function beatAndAdopt(): Promise<number> {
    if (mode === 'closed' || durability === 'memory') return 0
    if (folder === undefined && performance.now() - placedAt > limits.failedRestMs) await place()
    if (folder === undefined) return 0
    await beat(folder)
    const found = await adopt({
      dir,
      folder: folder.path,
      host,
      silences: { foreignMs: limits.foreignMs, absentMs: limits.absentMs },
      room: maxBytes - sealedBytes,
      notices,
    }).catch((error) => {
      notices.note('adoption_failed', `${dir}: ${message(error)}`)
      return []
    })
    keep([...found, ...sealed])
    return found.length
  }

  function nextPath(own: OwnFolder): string {
    number += 1
    return join(own.path, `${String(number).padStart(8, '0')}.seg`)
  }

  function keep(segments: Segment[]): void {
    sealed = segments
    sealedBytes = segments.reduce((sum, segment) => sum + segment.size, 0)
  }

  function seal(): void {
    if (current !== undefined) keep([...sealed, current])
    current = undefined
  }

  function writable(own: OwnFolder): Segment {
    if (current !== undefined && current.size < segmentBytes) return current
    seal()
    current = createSegment(nextPath(own), instance, resource)
    disk?.named(own.path)
    return current
  }

  function rest(ms: number): void {
    seal()
    mode = 'memory'
    retry = setTimeout(recover, ms)
    retry.unref()
  }

  /** From memory to writing; if the disk still does not take it, later. */
  function recover(): void {
    clearTimeout(retry)
    if (folder === undefined || mode !== 'memory') return
    mode = 'writing'
    slowInRow = 0
    try {
      persist(folder)
    } catch (error) {
      notices.note('spool_write_failed', `${folder.path}: ${message(error)}`)
      rest(limits.failedRestMs)
    }
  }

  function persist(own: OwnFolder): void {
    if (memory === undefined) return
    if (!memory.done) {
      memory.persist(nextPath(own))
      current = memory
      disk?.named(own.path)
      disk?.dirty(memory)
    }
    memory = undefined
  }

  function toMemory(payload: Uint8Array, seq: number): void {
    memory ??= memorySegment(instance, resource)
    if (memory.size + payload.byteLength > limits.memoryBytes)
      notices.note(
        'record_refused',
        durability === 'memory'
          ? 'the memory of the spool is full'
          : 'the spool cannot write and its memory is full',
      )
    else memory.append(payload, seq)
  }

  /** At the cap. False if the record that wants in is the one to be given up. */
  function makeRoom(bytes: number): boolean {
    const oldest = sealed[0]
    if (drops === 'newest' || oldest === undefined) {
      notices.note(
        'record_refused',
        `the spool has reached its cap of ${maxBytes} bytes: the newest records are refused`,
      )
      return false
    }
    notices.note(
      'record_dropped',
      `the spool has reached its cap of ${maxBytes} bytes: the oldest records are given up`,
      oldest.count(),
    )
    keep(sealed.slice(1))
    remove(oldest)
    return hasRoom(bytes) || makeRoom(bytes)
  }

  function hasRoom(bytes: number): boolean {
    return sealedBytes + (current?.size ?? 0) + bytes <= maxBytes
  }

  function remove(segment: Segment): void {
    try {
      segment.remove()
    } catch (error) {
      notices.note('spool_write_failed', `remove: ${message(error)}`)
    }
  }

  function all(): Segment[] {
    return [...sealed, ...(current === undefined ? [] : [current]), ...(memory === undefined ? [] : [memory])]
  }

  function write(own: OwnFolder, payload: Uint8Array, seq: number): void {
    if (!hasRoom(payload.byteLength) && !makeRoom(payload.byteLength)) return
    const before = performance.now()
    try {
      const segment = writable(own)
      segment.append(payload, seq)
      disk?.dirty(segment)
    } catch (error) {
      notices.note(
        'spool_write_failed',
        `${own.path}: ${message(error)}; records are kept in memory for a while`,
      )
      rest(limits.failedRestMs)
      toMemory(payload, seq)
      return
    }
    if (performance.now() - before <= limits.slowWriteMs) slowInRow = 0
    else if (++slowInRow === 2) {
      notices.note(
        'spool_slow',
        `two writes in a row took more than ${limits.slowWriteMs} ms; memory for a while`,
      )
      rest(limits.slowRestMs)
    }
  }

  await place()

  return {
    append(payload, seq) {
      try {
        // After the shutdown its file descriptors may be somebody else's.
        if (mode === 'closed') notices.note('record_refused', 'an operation ended after the shutdown')
        else if (payload.byteLength > MAX_FRAME_BYTES)
          notices.note('record_refused', `a record of more than ${MAX_FRAME_BYTES} bytes`)
        else if (mode === 'memory' || folder === undefined) toMemory(payload, seq)
        else write(folder, payload, seq)
      } catch (error) {
        notices.note('record_refused', `internal: ${message(error)}`)
      }
    },
    readable: () =>
      all().find((segment) => segment.readable && (setAside.get(segment) ?? 0) < performance.now()),
    setAside: (segment) => void setAside.set(segment, performance.now() + UNREADABLE_MS),
    tidy() {
      if (memory?.done) memory = undefined
      const done = sealed.filter((segment) => segment.done)
      if (done.length === 0) return
      keep(sealed.filter((segment) => !segment.done))
      for (const segment of done) remove(segment)
    },
    adopt() {
      adopting ??= beatAndAdopt().finally(() => {
        adopting = undefined
      })
      return adopting
    },
    pendingBytes: () => all().reduce((sum, segment) => sum + (segment.done ? 0 : segment.size), 0),
    memoryBytes: () => memory?.size ?? 0,
    get empty() {
      return all().every((segment) => segment.done)
    },
    mark() {
      const goals = all().map((segment) => ({ segment, end: segment.end }))
      return () => goals.every(({ segment, end }) => segment.done || segment.acknowledged >= end)
    },
    quarantine(from, payload, seq) {
      if (folder === undefined) notices.note('record_quarantined', 'dropped, there is no spool folder')
      else quarantine.keep(from, payload, seq)
    },
    leave,
    async close() {
      if (mode === 'closed') return
      leave()
      mode = 'closed'
      clearTimeout(retry)
      // What it is just moving into our folder must be seen below, or it would go with the folder.
      await adopting
      await disk?.settled()
      const left = all().filter((segment) => !segment.done)
      if (memory !== undefined && !memory.done)
        notices.note(
          'record_refused',
          `${memory.size} bytes of records in memory were not sent before the end`,
          memory.count(),
        )
      for (const segment of all()) segment.close()
      quarantine.close()
      await folder?.close()
      // What is not sent stays, without an owner: the next instance adopts it.
      if (left.length === 0 && folder !== undefined) rmSync(folder.path, { recursive: true, force: true })
    },
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
