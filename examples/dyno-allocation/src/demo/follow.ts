import { readFileSync } from 'node:fs'
import { follow, type Hop, type Stack, until } from '@throughline/cli'

/** What one allocation leaves: two operations, two server spans and a client span, in two services. */
const FOOTPRINT = {
  operation: 'autoAllocate',
  businessMetric: 'business.allocation.value',
  rows: 2,
  spans: 5,
  services: 2,
}

/** Looks one allocation up wherever it should be: its answer, the log, and every store. */
export async function followAllocation(
  stack: Stack,
  correlationId: string,
  answeredId: string | undefined,
): Promise<Hop[]> {
  // The answer may be here a moment before the line is in the file.
  const line = await until(() => logLine(stack, correlationId), {
    what: 'the log line',
    deadlineMs: 5_000,
  }).catch(() => undefined)
  return [
    { hop: 'HTTP response: x-correlation-id', ok: answeredId === correlationId, found: answeredId ?? 'none' },
    { hop: 'Log line of the allocation service', ok: line !== undefined, found: line ?? 'none' },
    ...(await follow(stack, { ...FOOTPRINT, correlationId })),
  ]
}

function logLine(stack: Stack, correlationId: string): string | undefined {
  const lines = readFileSync(`${stack.dir}/logs/allocation.log`, 'utf8').split('\n')
  const line = lines.find((one) => one.includes(`"correlation_id":"${correlationId}"`))
  if (line === undefined) return undefined
  const { msg, trace_id } = JSON.parse(line) as { msg: string; trace_id: string }
  return `"${msg}", trace_id ${trace_id}`
}
