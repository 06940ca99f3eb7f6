import { randomUUID } from 'node:crypto'
import { rollUp } from '@throughline/postgres/rollups'
import pg from 'pg'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { contractOf } from '../../test/api-contract.js'
import { aCheckRow, aJobRow } from '../../test/job-rows.js'
import { aRow, writeRows } from '../../test/rows.js'
import { useRecorder } from '../../test/running-recorder.js'
import { createClient, type JobsAnswer } from '../client.js'

const recorder = useRecorder()
let api: Awaited<ReturnType<typeof contractOf>>
beforeAll(async () => {
  api = await contractOf((await recorder.another({})).url)
})

beforeEach(async () => {
  await recorder.client.query(
    'TRUNCATE throughline.rollup_marks, throughline.rollup_operations, throughline.rollup_jobs, throughline.rollup_job_spans, throughline.rollup_job_checks',
  )
})

const write = (...rows: Parameters<typeof writeRows>[1]) => writeRows(recorder.databaseUrl, rows)
let asked = 0
// Each question of its own: an answer of the last second would be an old one.
const ask = (query = '') => {
  asked += 1
  return api.json<JobsAnswer>(`/metrics/jobs?top=${20 + asked}${query === '' ? '' : `&${query}`}`)
}
const second = 1_000
const minute = 60 * second
const now = Date.now()

test('jobs are counted by status, queue and type, with success, durations and rate', async () => {
  await write(
    ...Array.from({ length: 100 }, (_, n) => aJobRow({ tookMs: (n + 1) * 10, startedMs: now - 30 * minute })),
    ...Array.from({ length: 4 }, () => aJobRow({ type: 'audio', status: 'failed', error: 'OomKilled' })),
    aJobRow({ type: 'audio', status: 'failed', error: null, attempt: 2 }),
    aJobRow({ type: 'audio', status: 'cancelled' }),
    aJobRow({ queue: 'mail', type: 'digest' }),
    aRow(),
  )
  const { total, queues, types, source, truncated } = await ask('hours=1')
  expect(total).toMatchObject({ count: 107, completed: 101, failed: 5, cancelled: 1, retried: 1 })
  expect(total.successRate).toBeCloseTo(101 / 106)
  expect(total.perSecond).toBeCloseTo(107 / 3_600)
  expect(total.failures).toEqual([
    { type: 'OomKilled', count: 4 },
    { type: null, count: 1 },
  ])
  expect(queues.map(({ queue, count }) => [queue, count])).toEqual([
    ['transcode', 106],
    ['mail', 1],
  ])
  expect(types.map(({ queue, type, count }) => [queue, type, count])).toEqual([
    ['transcode', 'video', 100],
    ['transcode', 'audio', 6],
    ['mail', 'digest', 1],
  ])
  const { duration } = types[0]!
  expect(duration).toMatchObject({ count: 100, averageMs: 505, maxMs: 1_000 })
  expect(duration.p50Ms! / 505).toBeCloseTo(1, 1)
  expect(duration.p95Ms! / 950.5).toBeCloseTo(1, 1)
  expect(types[1]!.successRate).toBe(0)
  expect(source).toEqual({ jobs: 107, checks: 0 })
  expect(truncated).toBe(false)
})

test('waiting in the queue, pulling, creating, starting and running are told apart', async () => {
  const phases = { queued: 4_000, pulling: 1_000, creating: 300, starting: 200, running: 9_000, removing: 50 }
  await write(
    ...Array.from({ length: 9 }, () => aJobRow({ phases, launchMs: 5_500, tookMs: 10_550 })),
    aJobRow({ phases: { queued: 14_000, running: 9_000 }, launchMs: 14_000 }),
    aJobRow(),
  )
  const { total } = await ask()
  expect(total.phases.map(({ phase, count, averageMs }) => [phase, count, averageMs])).toEqual([
    ['queued', 10, 5_000],
    ['pulling', 9, 1_000],
    ['creating', 9, 300],
    ['starting', 9, 200],
    ['running', 10, 9_000],
    ['removing', 9, 50],
  ])
  expect(total.phases[0]!.p95Ms! / 9_500).toBeCloseTo(1, 1)
  expect(total.launch).toMatchObject({ count: 10, averageMs: 6_350, maxMs: 14_000 })
})

test('one queue or one type can be asked for; a type that is called as the checks are is a type', async () => {
  await write(
    aJobRow(),
    aJobRow({ queue: 'mail', type: 'status_check' }),
    aJobRow({ queue: 'mail', type: 'digest' }),
    aCheckRow({ queue: 'mail' }),
    aCheckRow(),
  )
  const mail = await ask('queue=mail')
  expect([mail.total.count, mail.source.checks, mail.filter.queue]).toEqual([2, 1, 'mail'])
  expect(mail.queues.map(({ queue, state }) => [queue, state?.depth])).toEqual([['mail', 3]])
  expect(mail.types.map(({ type }) => type).sort()).toEqual(['digest', 'status_check'])
  const typed = await ask('queue=mail&type=status_check')
  expect([typed.total.count, typed.queues[0]!.state?.depth]).toEqual([1, 3])
  expect((await ask('queue=nothing')).queues).toEqual([])
})

type Span = { start: number; end: number; queue: string; type: string }
/** The plain way: at each start inside the window, who runs. */
const peakOf = (spans: readonly Span[], from: number, until: number) => {
  const moments = [from, ...spans.map(({ start }) => start)].filter((at) => at >= from && at < until)
  let best = { jobs: 0, at: 0 }
  for (const at of moments.sort((a, b) => a - b)) {
    const jobs = spans.filter(({ start, end }) => start <= at && end > at).length
    if (jobs > best.jobs) best = { jobs, at }
  }
  return best
}

test('the peak is that of the rows, moment by moment, with jobs that began before the window', async () => {
  let state = 41
  const dice = (sides: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % sides
  }
  const until = Math.floor(now / 1_000) * 1_000 - 10 * minute
  const from = until - 60 * minute
  const spans = Array.from({ length: 600 }, (): Span => {
    // Whole seconds, so that many begin and end at the same moment.
    const start = from - 30 * minute + dice(5_400) * second
    const length = dice(20) === 0 ? 0 : dice(900) * second
    return { start, end: start + Math.max(length, 0.001), queue: `q${dice(3)}`, type: `t${dice(4)}` }
  })
  spans.push({ start: from - 23 * 60 * minute, end: until + minute, queue: 'q0', type: 't0' })
  await write(
    ...spans.map(({ start, end, queue, type }) =>
      aJobRow({ queue, type, startedMs: start, tookMs: end - start < 1 ? 0 : end - start }),
    ),
  )
  const pool = new pg.Pool({ connectionString: recorder.databaseUrl })
  for (const _ of ['from rows', 'with the sums of the hours before']) {
    const answer = await ask(`from=${new Date(from).toISOString()}&until=${new Date(until).toISOString()}`)
    const shown = (peak: { jobs: number; at: string } | null) => ({
      jobs: peak!.jobs,
      at: Date.parse(peak!.at),
    })
    expect(shown(answer.total.peak)).toEqual(peakOf(spans, from, until))
    expect(answer.queues).toHaveLength(3)
    for (const { queue, peak } of answer.queues)
      expect(shown(peak), queue).toEqual(
        peakOf(
          spans.filter((span) => span.queue === queue),
          from,
          until,
        ),
      )
    expect(answer.types).toHaveLength(12)
    for (const { queue, type, peak } of answer.types)
      expect(shown(peak), `${queue} ${type}`).toEqual(
        peakOf(
          spans.filter((span) => span.queue === queue && span.type === type),
          from,
          until,
        ),
      )
    await rollUp(pool)
  }
  await pool.end()
})

test('of a queue the last status check is told, with its age, and of each process its slots and its host', async () => {
  const [one, two] = [randomUUID(), randomUUID()]
  await write(
    aJobRow(),
    aCheckRow({ startedMs: Date.now() - 20_000, running: 4, peak: 4 }, { instance: one }),
    aCheckRow({ startedMs: Date.now() - 5_000, running: 3, peak: 3 }, { instance: one }),
    aCheckRow(
      { startedMs: Date.now() - 9_000, host: 'worker-2', running: 2, state: { depth: 99 } },
      { instance: two },
    ),
    aCheckRow({ queue: 'idle', startedMs: Date.now() - 600_000, state: { depth: 0, pending: 0 } }),
  )
  const { queues, hosts } = await ask()
  expect(queues.map(({ queue, count }) => [queue, count])).toEqual([
    ['transcode', 1],
    ['idle', 0],
  ])
  expect(queues[0]!.state).toMatchObject({
    depth: 3,
    pending: 3,
    running: 3,
    oldestAgeSeconds: 12.5,
    stale: false,
  })
  expect(queues[0]!.state!.ageSeconds).toBeGreaterThan(4)
  expect(queues[0]!.state!.ageSeconds).toBeLessThan(30)
  expect(queues[1]!.state).toMatchObject({ depth: 0, running: null, oldestAgeSeconds: null, stale: true })
  expect(
    hosts.map(({ host, instance, slots, running, peak, checks }) => [
      host,
      instance,
      slots,
      running,
      peak,
      checks,
    ]),
  ).toEqual([
    ['worker-1', one, 4, 3, 4, 2],
    ['worker-2', two, 4, 2, 2, 1],
    ['worker-1', null, 4, 1, 2, 1],
  ])
  expect(hosts[0]!.usage).toEqual({ cpu: 0.5, memory: 0.25, disk: 0.75, slots: 0.75 })
  expect(hosts[2]!.stale).toBe(true)
})

test('a check that failed says so; what the one before it found stands with its own age', async () => {
  await write(
    aCheckRow({ startedMs: Date.now() - 100_000 }),
    aCheckRow({ startedMs: Date.now() - 85_000 }),
    aCheckRow({ startedMs: Date.now() - 3_000, error: 'TimeoutError' }),
  )
  const { queues, hosts } = await ask()
  expect(hosts[0]).toMatchObject({ lastCheck: 'failed', failure: 'TimeoutError', checks: 3, failedChecks: 1 })
  expect(hosts[0]!.ageSeconds).toBeLessThan(30)
  expect(queues[0]!.state!.ageSeconds).toBeGreaterThan(80)
})

test('how fast the status of jobs is checked, and how often that fails', async () => {
  await write(
    ...[100, 300].map((jobs) =>
      aCheckRow({ metadata: { 'job.status_check.jobs': jobs } }, { durationUs: 500_000n }),
    ),
    aCheckRow({ error: 'TimeoutError' }, { durationUs: 2_000_000n }),
    aCheckRow({ queue: 'silent', metadata: { 'job.state': undefined } }),
  )
  const { queues } = await ask()
  expect(queues.map(({ queue, checks }) => [queue, checks])).toEqual([
    ['transcode', { count: 3, failed: 1, averageMs: 1_000, jobsPerSecond: 400 }],
    ['silent', { count: 1, failed: 0, averageMs: 4, jobsPerSecond: null }],
  ])
  expect(queues[1]!.state).toBeNull()
})

test('checks that are made every five minutes are not stale after six', async () => {
  const checked = (minutesAgo: number) => aCheckRow({ startedMs: Date.now() - minutesAgo * minute })
  await write(checked(11), checked(6))
  expect((await ask()).queues[0]!.state!.stale).toBe(false)
})

test('a window that is over tells of its own end', async () => {
  const until = now - 120 * minute
  await write(aCheckRow({ startedMs: until - 10_000, state: { depth: 7 } }), aCheckRow(), aJobRow())
  const answer = await ask(`hours=1&until=${new Date(until).toISOString()}`)
  expect(answer.at).toBe(new Date(until).toISOString())
  expect(answer.queues[0]!.state).toMatchObject({ depth: 7, stale: false })
  expect(answer.total.count).toBe(0)
})

test('whatever stands in metadata, there is an answer', async () => {
  const odd: unknown[] = [
    null,
    true,
    'x',
    -1,
    1e300,
    [],
    {},
    [1],
    { a: { b: 1 } },
    '"',
    '\u0007',
    '💥'.repeat(300),
  ]
  const keys = ['job.queue', 'job.type', 'job.status', 'job.attempt', 'job.launch.latency_ms', 'job.phases']
  const told = ['job.state', 'host', 'host.name', 'job.capacity', 'job.running_here', 'job.concurrent.peak']
  await write(
    ...odd.flatMap((value) => [
      ...keys.map((key) => aJobRow({ metadata: { [key]: value } })),
      ...told.map((key) => aCheckRow({ metadata: { [key]: value } })),
      aJobRow({ metadata: { 'job.phases': { queued_ms: value, running_ms: value, other: value } } }),
      aCheckRow({ state: { depth: value, oldest_age_s: value, pending: value }, usage: { cpu: value } }),
    ]),
    aJobRow({}, { durationUs: 2n ** 62n }),
    aCheckRow({}, { durationUs: 2n ** 62n }),
    aJobRow({}, { metadata: '{"job.queue": "q", "job.type": "t", "job.launch.latency_ms": 1e100000}' }),
  )
  const { total, hosts } = await ask()
  expect(total.count).toBe(odd.length * 7 + 2)
  expect(hosts.length).toBeGreaterThan(0)
})

test('every figure is the same from rows, from sums, and from both', async () => {
  let state = 7
  const dice = (sides: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state >>> 8) % sides
  }
  const until = Math.floor(now / minute) * minute - 7 * minute + 12_345
  const from = until - 5 * 60 * minute + 1_234
  const jobs = Array.from({ length: 500 }, () => {
    const status = (['completed', 'completed', 'failed', 'cancelled'] as const)[dice(4)]!
    return aJobRow({
      queue: `q${dice(2)}`,
      type: `t${dice(3)}`,
      status,
      error: status === 'failed' ? [null, 'ExitCode', 'OomKilled'][dice(3)]! : null,
      attempt: 1 + dice(3),
      startedMs: from - 60 * minute + dice(6 * 60 * 60) * second,
      tookMs: dice(10) === 0 ? 0 : dice(3_000_000),
      ...(dice(3) === 0
        ? {}
        : { launchMs: dice(60_000), phases: { queued: dice(50_000), running: dice(9_000) } }),
    })
  })
  const checks = Array.from({ length: 40 }, () =>
    aCheckRow({
      queue: `q${dice(3)}`,
      startedMs: from + dice(5 * 60 * 60) * second,
      metadata: { 'job.status_check.jobs': dice(100) },
      ...(dice(4) === 0 ? { error: 'TimeoutError' } : {}),
    }),
  )
  const told = async (filter = '') => {
    const window = `from=${new Date(from).toISOString()}&until=${new Date(until).toISOString()}`
    const { window: _, ...rest } = await ask(`${window}${filter}`)
    return rest
  }
  const pool = new pg.Pool({ connectionString: recorder.databaseUrl })
  try {
    for (const filter of ['', '&queue=q1', '&queue=q0&type=t2']) {
      await recorder.client.query('TRUNCATE throughline.operations')
      await write(...jobs, ...checks)
      const ofRows = await told(filter)
      expect(ofRows.total.count).toBeGreaterThan(50)
      expect(ofRows.total.peak!.jobs).toBeGreaterThan(5)
      await rollUp(pool)
      const marked = await recorder.client.query('SELECT FROM throughline.rollup_marks')
      expect(marked.rowCount).toBe(0)
      expect(await told(filter)).toEqual(ofRows)
      // Some of them come again: their minutes are read from rows.
      await recorder.client.query(
        `SELECT throughline.mark_dirty(started_at) FROM throughline.operations WHERE abs(span_id) % 5 = 0`,
      )
      expect(await told(filter)).toEqual(ofRows)
    }
  } finally {
    await pool.end()
  }
})

test('more types and queues than are listed: the answer says so, and the sums have them all', async () => {
  await write(
    ...Array.from({ length: 60 }, (_, n) => aJobRow({ queue: `q${n}`, type: `t${n % 7}` })),
    aJobRow({ queue: 'q59' }),
  )
  const answer = await api.json<JobsAnswer>('/metrics/jobs?top=5')
  expect(answer.total).toMatchObject({ count: 61, peak: { jobs: 61 } })
  expect([answer.queues.length, answer.types.length]).toEqual([50, 5])
  expect(answer.queues[0]).toMatchObject({ queue: 'q59', count: 2 })
  expect(answer).toMatchObject({
    truncated: true,
    cuts: [expect.stringContaining('queues: only the 50'), expect.stringContaining('types: only the 5')],
  })
})

test('more jobs than are read: the newest are, and the answer says since when', async () => {
  await recorder.client.query(
    `INSERT INTO throughline.operations (started_at, trace_id, span_id, duration_us, bucket, success, correlation_id, service, operation_service, operation, metadata)
     SELECT now() - n * interval '1 millisecond', gen_random_uuid(), n, 500, 0, true, 'c', 's', 'transcode', 'video',
       '{"job.queue": "transcode", "job.type": "video", "job.status": "completed"}'
     FROM generate_series(1, 100010) AS n`,
  )
  await recorder.client.query(
    'SELECT throughline.mark_dirty(minute) FROM (SELECT DISTINCT throughline.minute_of(started_at) AS minute FROM throughline.operations) AS one',
  )
  const { total, cuts, source } = await ask('hours=1')
  expect([total.count, source.jobs]).toEqual([100_000, 100_000])
  expect(cuts).toEqual([
    expect.stringMatching(/^jobs: only those since 20.*at most 100000 that are not summed up/),
  ])
  expect(total.perSecond).toBeGreaterThan(500)
})

test('without a job there are no figures, and none of them is a zero that nobody measured', async () => {
  const { total, queues, types, steps, hosts } = await ask()
  expect(total).toMatchObject({ count: 0, successRate: null, perSecond: 0, phases: [], peak: null })
  expect(total.duration).toEqual({
    count: 0,
    averageMs: null,
    p50Ms: null,
    p95Ms: null,
    p99Ms: null,
    maxMs: null,
  })
  expect([queues, types, steps, hosts]).toEqual([[], [], [], []])
})

test('the steps of a window add up to it', async () => {
  await write(
    ...Array.from({ length: 30 }, (_, n) =>
      aJobRow({ startedMs: now - n * minute, status: n % 3 === 0 ? 'failed' : 'completed', launchMs: 100 }),
    ),
  )
  const { steps, window } = await createClient({ url: recorder.url }).jobs({ hours: 1 })
  expect(window.stepMs).toBe(minute)
  expect(steps.map(({ start }) => start)).toEqual(steps.map(({ start }) => start).sort())
  const sum = (key: 'count' | 'failed' | 'completed') => steps.reduce((total, step) => total + step[key], 0)
  expect([sum('count'), sum('failed'), sum('completed')]).toEqual([30, 10, 20])
  expect(steps[0]).toMatchObject({ averageMs: 1_000, launchMs: 100 })
})

test.each(['hours=745', 'top=0', 'top=201', 'queue=', 'queue=a%00b', 'unknown=1', 'type=a&type=b'])(
  '%s is refused',
  async (query) => {
    expect(await api.json(`/metrics/jobs?${query}`)).toMatchObject({ status: 400, code: 'TL_PARAMETER' })
  },
)
