import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { decodeTraces, encodeTraces, type ResourceSpans } from '@throughline/otlp'
import { merged, type Range, runsOf } from '../ranges.js'
import { instanceFolders, segmentsBelow } from './folders.js'
import { askOwner } from './owner.js'
import { SET_ASIDE } from './quarantine.js'
import { type Batch, openSegment, type Segment } from './segment.js'

/** One file of a spool folder. */
export interface SpoolFile {
  readonly path: string
  /** `pending`: waits for its receiver; `quarantine`: refused for good; `damaged`: its header cannot be read. */
  readonly kind: 'pending' | 'quarantine' | 'damaged'
  /** Whose records they are; empty if damaged. */
  readonly instance: string
  /** `service.name` of its resource; empty if damaged. */
  readonly service: string
  /** Whether the process in whose folder it lies is alive; undefined for files that lie in no folder. */
  readonly alive: boolean | undefined
  /** Records not yet acknowledged, or set aside. */
  readonly records: number
  /** Their numbers: merged, ascending, both ends in it. */
  readonly ranges: readonly (readonly [lo: bigint, hi: bigint])[]
  /** Size of the file. */
  readonly bytes: number
  /** Bytes at its end that are no records: damage, or a write that its process did not survive. */
  readonly unreadable: number
}

/** A record as it waits in a spool. Times are milliseconds since 1970. What cannot be decoded is empty, or 0. */
export interface SpooledRecord {
  readonly instance: string
  readonly service: string
  readonly seq: number
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly correlationId: string | undefined
  readonly startedAtMs: number
}

const READ_BYTES = 2 ** 20

/** What a spool folder holds. Reads only; the owners may be at work, and a file that goes meanwhile is left out. */
export async function inspectSpool(dir: string): Promise<SpoolFile[]> {
  if (!existsSync(dir)) return []
  const found: (SpoolFile | undefined)[] = []
  for (const folder of instanceFolders(dir)) {
    const alive = await askOwner(folder.path).then((answer) => answer === 'listens')
    for (const name of listed(() => segmentsBelow(folder.path)))
      found.push(look(join(folder.path, name), 'pending', alive))
  }
  for (const name of readdirSync(dir))
    if (SET_ASIDE.test(name)) found.push(look(join(dir, name), 'quarantine', undefined))
  return found.filter((one) => one !== undefined)
}

/** The records of one file, oldest first, at most `limit` of them. */
export function readRecords(path: string, limit: number): SpooledRecord[] {
  const segment = openSegment(path, () => {}, 'r')
  if (typeof segment === 'string') return []
  try {
    const records: SpooledRecord[] = []
    for (const batch of batchesOf(segment)) {
      records.push(...decoded(segment, batch))
      if (records.length >= limit) break
    }
    return records.slice(0, limit)
  } finally {
    segment.close()
  }
}

function listed(list: () => string[]): string[] {
  try {
    return list()
  } catch {
    return []
  }
}

function look(
  path: string,
  kind: 'pending' | 'quarantine',
  alive: boolean | undefined,
): SpoolFile | undefined {
  try {
    let unreadable = 0
    const { size } = statSync(path)
    const segment = openSegment(
      path,
      (bytes) => {
        unreadable = bytes
      },
      'r',
    )
    const nothing = { path, alive, instance: '', service: '', records: 0, ranges: [], bytes: size }
    // Cut in its header: no record was ever in it.
    if (segment === 'cut') return { ...nothing, kind, unreadable: 0 }
    if (segment === 'damaged') return { ...nothing, kind: 'damaged', unreadable: size }
    try {
      return { ...nothing, kind, ...contents(segment), unreadable: unreadable }
    } finally {
      segment.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function contents(segment: Segment): Pick<SpoolFile, 'instance' | 'service' | 'records' | 'ranges'> {
  let ranges: Range[] = []
  let records = 0
  for (const { seqs } of batchesOf(segment)) {
    records += seqs.length
    ranges = merged([...ranges, ...runsOf(seqs)])
  }
  const inOrder = merged(ranges.sort(([a], [b]) => a - b))
  return {
    instance: segment.instance,
    service: serviceOf(decode(segment, [])),
    records,
    ranges: inOrder.map(([lo, hi]) => [BigInt(lo), BigInt(hi)] as const),
  }
}

function* batchesOf(segment: Segment): Generator<Batch> {
  for (let batch = segment.next(READ_BYTES); batch !== undefined; batch = segment.next(READ_BYTES)) {
    yield batch
    segment.take(batch)
  }
}

/** One by one: what is in quarantine may be there because nobody can decode it. */
function decoded(segment: Segment, { payloads, seqs }: Batch): SpooledRecord[] {
  return payloads.map((payload, i) => {
    const traces = decode(segment, [payload])
    const span = traces[0]?.scopes[0]?.spans[0]
    return {
      instance: segment.instance,
      service: serviceOf(traces),
      seq: seqs[i]!,
      name: span?.name ?? '',
      traceId: span?.traceId ?? '',
      spanId: span?.spanId ?? '',
      correlationId: textOf(span?.attributes['correlation.id']),
      startedAtMs: Number((span?.startTimeUnixNano ?? 0n) / 1_000_000n),
    }
  })
}

function decode({ resource }: Segment, spans: Uint8Array[]): ResourceSpans[] {
  try {
    return decodeTraces(encodeTraces({ resource, scope: { name: '' }, spans }), 'protobuf')
  } catch {
    return []
  }
}

function serviceOf(traces: ResourceSpans[]): string {
  return textOf(traces[0]?.resource['service.name']) ?? ''
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
