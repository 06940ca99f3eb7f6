import { type Hop, lookups, type Stack, until } from '@throughline/cli'
import { dim, red, say, table } from '@throughline/cli/terminal'
import { countRows, type RowCounts } from './counts.js'
import type { Services } from './services.js'
import type { Journal } from './traffic.js'

const DEADLINE_MS = 60_000

/** What works without any binary beside Postgres: records and the service's own metrics page. */
export async function embeddedTable(
  stack: Stack,
  services: Services,
  journal: Journal,
  began: number,
): Promise<void> {
  const counts = await settled(() => countRows(stack.databaseUrl, journal))
  const one = journal.answered.findLast((answer) => answer.status === 201)?.correlationId ?? ''
  const rows = await lookups.rowsByCorrelation(stack.databaseUrl, one)
  const page = await (await fetch(services.metricsUrl)).text()
  const measured = page
    .split('\n')
    .filter((line) => line.startsWith('throughline_operation_duration_seconds_count'))
  table(`Embedded: services → recorder → Postgres ${dim(`(${seconds(began)})`)}`, [
    { label: 'Requests answered', value: outcomes(journal) },
    {
      label: 'Operations, rows',
      value: `${counts.expected} completed, ${counts.rows} rows`,
      ok: exact(counts),
    },
    {
      label: 'Metrics page',
      value: `${services.metricsUrl}: ${measured.length} series of durations`,
      ok: measured.length > 0,
    },
    {
      label: 'One correlation ID',
      value: `${one}: ${rows.map((row) => `${row.operationService}.${row.operation}`).join(', ')}`,
      ok: rows.length === 2,
    },
  ])
}

/** Every hop of the followed ID and the totals; true if every line holds. */
export async function fullTable(
  hops: Hop[],
  journal: Journal,
  count: () => Promise<RowCounts>,
  began: number,
): Promise<boolean> {
  const counts = await settled(count)
  const id = journal.answered.at(-1)?.correlationId
  table(
    `One correlation ID, followed: ${id} ${dim(`(${seconds(began)})`)}`,
    hops.map(({ hop, ok, found }) => ({ label: hop, value: found, ok })),
  )
  table('Totals', [
    { label: 'Requests answered', value: outcomes(journal) },
    { label: 'Operations completed', value: String(counts.expected) },
    { label: 'Rows in Postgres', value: String(counts.rows) },
    { label: 'Difference', value: String(counts.expected - counts.rows), ok: exact(counts) },
  ])
  const broken = hops.filter((hop) => !hop.ok).map((hop) => hop.hop)
  if (!exact(counts)) broken.push('Totals: difference')
  for (const name of broken) say(red(`Does not hold: ${name}`))
  return broken.length === 0
}

/** The console, with a token of this run in the address: shown here, this once. */
export async function consoleUrl(stack: Stack): Promise<void> {
  table('Console', [
    { label: 'Open it, signed in', value: await stack.consoleLink() },
    { label: 'What it is worth', value: `${stack.recorderUrl}/#/value (in the same tab)` },
    { label: 'Something to watch', value: 'a request a second, for an hour' },
  ])
}

/** Where everything else is, and what to do there. */
export function urls(stack: Stack, services: Services): void {
  table('Look around', [
    {
      label: 'Allocation service',
      value: `curl -i -X POST ${services.url}/allocations -H 'content-type: application/json' -d '{"vehicleId":7,"from":"2029-05-07","days":2,"userId":"me"}'`,
    },
    { label: 'Its metrics page', value: services.metricsUrl },
    { label: 'Jaeger', value: `${stack.urls.jaeger}/api/traces/<trace_id> (the trace as JSON)` },
    {
      label: 'Prometheus',
      value: `${stack.urls.prometheus}/api/v1/query?query=throughline_operation_duration_seconds_count`,
    },
    { label: 'CloudWatch stand-in', value: `${stack.urls.cloudwatch}/metrics.json (what it received)` },
    {
      label: 'Postgres',
      value: `psql '${stack.databaseUrl}' -c 'select * from throughline.metrics order by created_at desc limit 10'`,
    },
    {
      label: 'Recorder, Collector',
      value: `${stack.recorderUrl}/healthz and ${stack.urls.collectorMetrics}`,
    },
    { label: 'Logs and data', value: stack.dir },
  ])
}

/** Waits until the rows are as many as the operations, or the time is up: the last counts tell which. */
async function settled(count: () => Promise<RowCounts>): Promise<RowCounts> {
  const deadline = Date.now() + DEADLINE_MS
  return until(
    async () => {
      const counts = await count()
      return exact(counts) || Date.now() > deadline - 1_000 ? counts : undefined
    },
    { what: 'as many rows as operations', deadlineMs: DEADLINE_MS, everyMs: 250 },
  )
}

function exact(counts: RowCounts): boolean {
  return counts.rows === counts.expected && counts.distinct === counts.expected
}

function outcomes(journal: Journal): string {
  const of = (status: number) => journal.answered.filter((answer) => answer.status === status).length
  return `${journal.answered.length}: ${of(201)} allocated, ${of(409)} found no free dyno, ${of(404)} named an unknown vehicle`
}

function seconds(began: number): string {
  return `${((Date.now() - began) / 1_000).toFixed(1)} s after the start`
}
