/*
 * The engine's figures of a container, `GET /containers/{id}/stats`. What the engine reads from the kernel goes out under the kernel's
 * names, and those of cgroup v1 and v2 differ: `total_inactive_file` is `inactive_file`, `max_usage` is not there, block operations are
 * `Read` in one and `read` in the other.
 */

/** What one answer says. Sums are since the start of the container. */
export interface Sample {
  cpuSeconds: number
  throttledSeconds: number
  memoryBytes: number
  /** Without the part of the page cache that can be given back at once, as `docker stats` shows it. */
  workingSetBytes: number
  limitBytes: number
  /** The kernel's own high-water mark, of cgroup v1 alone. */
  peakBytes: number | undefined
  readBytes: number
  writtenBytes: number
  receivedBytes: number
  sentBytes: number
}

/** Undefined for a container that does not run (its figures are empty) and for what is no such document. */
export function sampleOf(document: unknown): Sample | undefined {
  const { cpu_stats, memory_stats, blkio_stats, networks } = record(document)
  const cpu = record(cpu_stats)
  const total = record(cpu.cpu_usage).total_usage
  const memory = record(memory_stats)
  // A container that has ended has zeros for CPU, and no memory figures at all.
  if (typeof total !== 'number' || typeof memory.usage !== 'number') return undefined
  const details = record(memory.stats)
  const usage = count(memory.usage)
  const inactive = count(details.total_inactive_file ?? details.inactive_file)
  const blocks = blockBytes(record(blkio_stats).io_service_bytes_recursive)
  const net = Object.values(record(networks)).map(record)
  return {
    cpuSeconds: count(total) / 1e9,
    throttledSeconds: count(record(cpu.throttling_data).throttled_time) / 1e9,
    memoryBytes: usage,
    workingSetBytes: Math.max(0, usage - inactive),
    limitBytes: count(memory.limit),
    peakBytes: typeof memory.max_usage === 'number' && memory.max_usage > 0 ? memory.max_usage : undefined,
    readBytes: blocks.read,
    writtenBytes: blocks.write,
    receivedBytes: sum(net.map(({ rx_bytes }) => count(rx_bytes))),
    sentBytes: sum(net.map(({ tx_bytes }) => count(tx_bytes))),
  }
}

/** One entry a device and operation; besides Read and Write cgroup v1 has sums of them. */
function blockBytes(entries: unknown): { read: number; write: number } {
  const bytes = { read: 0, write: 0 }
  if (!Array.isArray(entries)) return bytes
  for (const entry of entries) {
    const { op, value } = record(entry)
    const operation = typeof op === 'string' ? op.toLowerCase() : ''
    if (operation === 'read' || operation === 'write') bytes[operation] += count(value)
  }
  return bytes
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** What is no number of bytes or nanoseconds is none. */
function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0
}

function sum(values: number[]): number {
  return values.reduce((one, other) => one + other, 0)
}
