import { rmSync } from 'node:fs'
import type { Server } from 'node:net'
import { join } from 'node:path'
import type { Notices } from '../notices.js'
import { adoptDead, claimOwnFolder } from './folders.js'
import { MAX_FRAME_BYTES } from './frame.js'
import { createSegment, memorySegment, openSegment, type Segment } from './segment.js'

/*
 * The spool keeps every record of this instance until its receiver has acknowledged it.
 *
 * writing   The usual state: a record is appended to the current segment file before the call that made it returns. A segment that has
 *           reached 8 MiB is sealed and the next one begun. Left when a write fails.
 * memory    A write failed (disk full, folder gone): records are kept in memory, at most 8 MiB of them, beyond which the newest is refused and
 *           counted. After 5 s the next append tries a new segment file; if that works: writing.
 * full      The segments on disk reached the cap: the newest records are refused and counted until the reader has freed enough.
 *
 * Readers (the shipper) take the oldest segment that has something to send, adopted ones first. A sealed segment that is wholly acknowledged
 * is removed. Folders of instances that died are adopted at the start and every 30 s, by renaming them into ours: a rename has one winner.
 */

/** 8 MiB: large enough that sealing is rare, small enough that disk is given back soon. */
const SEGMENT_BYTES = 8 * 2 ** 20
/** A segment is given back as a whole: with fewer than four of them below the cap, a cap that is reached would stay reached. */
const LEAST_SEGMENTS = 4
const MEMORY_BYTES = 8 * 2 ** 20
/** For a person to look at: a receiver that refuses everything must not fill the disk. */
const QUARANTINE_BYTES = 64 * 2 ** 20
const RETRY_DISK_MS = 5_000

export interface Spool {
  append(payload: Uint8Array): void
  /** The oldest segment with something to send. */
  readable(): Segment | undefined
  /** Removes segments that are sent; called after each acknowledgement. */
  tidy(): void
  /** Takes over what dead instances left. Returns the number of segments. */
  adopt(): Promise<number>
  /** Bytes not yet acknowledged, about: whole segments count as a whole. */
  pendingBytes(): number
  /** Whether everything appended is acknowledged. */
  readonly empty: boolean
  /** A question to ask again and again: whether everything appended before this moment is acknowledged. */
  mark(): () => boolean
  /** Keeps a record that no receiver will take, in `quarantine-<instance>.seg` beside the folders of instances. */
  quarantine(resource: Uint8Array, payload: Uint8Array): void
  close(): Promise<void>
}

interface SpoolOptions {
  readonly dir: string
  readonly instance: string
  readonly resource: Uint8Array
  readonly maxBytes: number
  readonly durability: 'process' | 'memory'
  readonly notices: Notices
}

export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { dir, instance, resource, maxBytes, notices } = options
  const segmentBytes = Math.min(SEGMENT_BYTES, Math.floor(maxBytes / LEAST_SEGMENTS))
  let folder: string | undefined
  let owner: Server | undefined
  if (options.durability === 'process') {
    try {
      ;({ folder, owner } = await claimOwnFolder(dir, instance))
    } catch (error) {
      notices.note(
        'spool_write_failed',
        `${dir} cannot be used, records are kept in memory only: ${message(error)}`,
      )
    }
  }
  let number = 0
  let sealed: Segment[] = []
  let current: Segment | undefined
  let memory: Segment | undefined
  let retryDiskAt = 0
  let quarantined: Segment | undefined
  let closed = false

  function diskBytes(): number {
    return sealed.reduce((sum, segment) => sum + segment.size, current?.size ?? 0)
  }

  function writable(): Segment | undefined {
    if (folder === undefined || performance.now() < retryDiskAt) return undefined
    if (current !== undefined && current.size < segmentBytes) return current
    if (current !== undefined) sealed.push(current)
    number += 1
    current = undefined
    current = createSegment(join(folder, `${String(number).padStart(8, '0')}.seg`), resource)
    return current
  }

  function toMemory(payload: Uint8Array): void {
    memory ??= memorySegment(resource)
    if (memory.size + payload.byteLength > MEMORY_BYTES)
      notices.note('record_refused', 'the spool cannot write and its memory is full')
    else memory.append(payload)
  }

  function all(): Segment[] {
    return [...sealed, ...(current === undefined ? [] : [current]), ...(memory === undefined ? [] : [memory])]
  }

  return {
    append(payload) {
      try {
        if (closed) {
          // Its file descriptors may be somebody else's by now.
          notices.note('record_refused', 'an operation ended after the shutdown')
          return
        }
        if (payload.byteLength > MAX_FRAME_BYTES) {
          notices.note('record_refused', `a record of more than ${MAX_FRAME_BYTES} bytes`)
          return
        }
        if (diskBytes() + payload.byteLength > maxBytes) {
          notices.note('record_refused', `the spool has reached its cap of ${maxBytes} bytes`)
          return
        }
        const segment = writable()
        if (segment === undefined) toMemory(payload)
        else segment.append(payload)
      } catch (error) {
        retryDiskAt = performance.now() + RETRY_DISK_MS
        notices.note('spool_write_failed', `${folder}: ${message(error)}`)
        toMemory(payload)
      }
    },
    readable: () => all().find((segment) => !segment.done),
    tidy() {
      const done = sealed.filter((segment) => segment.done)
      if (done.length > 0) sealed = sealed.filter((segment) => !segment.done)
      for (const segment of done) {
        try {
          segment.remove()
        } catch (error) {
          notices.note('spool_write_failed', `remove: ${message(error)}`)
        }
      }
      if (memory?.done) memory = undefined
    },
    async adopt() {
      if (folder === undefined || closed) return 0
      const segments: Segment[] = []
      for (const path of await adoptDead(dir, folder, notices)) {
        const segment = openSegment(path, (bytes) =>
          notices.note('spool_damaged', `${bytes} bytes of ${path} cannot be read`),
        )
        if (segment === undefined) rmSync(path)
        else segments.push(segment)
      }
      sealed = [...segments, ...sealed]
      return segments.length
    },
    pendingBytes: () => all().reduce((sum, segment) => sum + (segment.done ? 0 : segment.size), 0),
    get empty() {
      return all().every((segment) => segment.done)
    },
    mark() {
      const goals = all().map((segment) => ({ segment, end: segment.end }))
      return () => goals.every(({ segment, end }) => segment.done || segment.acknowledged >= end)
    },
    quarantine(of, payload) {
      const path = join(dir, `quarantine-${instance}.seg`)
      notices.note(
        'record_quarantined',
        folder === undefined ? 'dropped, there is no spool folder' : `kept in ${path}`,
      )
      if (folder === undefined) return
      try {
        quarantined ??= createSegment(path, of)
        if (quarantined.size + payload.byteLength > Math.min(QUARANTINE_BYTES, maxBytes)) {
          notices.note('record_refused', `${path} is full`)
          return
        }
        quarantined.append(payload)
      } catch (error) {
        notices.note('spool_write_failed', `quarantine: ${message(error)}`)
      }
    },
    async close() {
      if (closed) return
      closed = true
      const empty = all().every((segment) => segment.done)
      if (memory !== undefined && !memory.done)
        notices.note(
          'record_refused',
          `${memory.size} bytes of records in memory were not sent before the end`,
        )
      for (const segment of all()) segment.close()
      quarantined?.close()
      await new Promise<void>((resolve) => (owner === undefined ? resolve() : owner.close(() => resolve())))
      // What is not sent stays, without an owner: the next instance adopts it.
      if (empty && folder !== undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
