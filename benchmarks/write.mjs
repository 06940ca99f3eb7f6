// Storing it: the writer against `psql \copy` of the same rows into the same table, the whole recorder against the writer alone, and
// the two steps before: decoding a request, appending to the spool. Ratios within one run, interleaved; fsync and synchronous_commit on.
import { execFile, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { migrate } from '@throughline/postgres'
import pg from 'pg'
import { columnNames } from '../packages/postgres/dist/columns.js'
import { compare, median, ratio } from './harness/compare.mjs'
import { withPostgres } from './harness/postgres.mjs'

export const title = 'Writing'

const batchRows = 5_000
const requestSpans = 1_000
const at = (path) => fileURLToPath(new URL(path, import.meta.url))
const node = promisify(execFile)

export async function run({ rows = 2_000_000, processes = 5, onProgress }) {
  const rounds = Math.max(3, Math.min(7, processes))
  const stored = await withPostgres((url) => storing(url, Math.ceil(rows / rounds), rounds, onProgress))
  const steps = await beforeStoring(processes, onProgress)
  return { rows: [...stored.rows, ...steps.rows], cases: { ...stored.cases, ...steps.cases } }
}

async function storing(url, rows, rounds, onProgress) {
  const begin = new Date().setUTCHours(0, 0, 0, 0)
  const folder = await mkdtemp(join(tmpdir(), 'throughline-bench-'))
  await migrate(url)
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  await admin.query('SELECT throughline.create_partition($1::date)', [
    new Date(begin).toISOString().slice(0, 10),
  ])
  onProgress('making rows')
  const writer = fork(at('harness/writer-process.mjs'), [url, rows, batchRows, folder, begin])
  const sender = fork(at('harness/sender-process.mjs'), [rows, requestSpans, begin])
  const recorder = startRecorder(url)
  const psql = await hasPsql()
  if (!psql)
    process.stdout.write(
      '  psql is not installed (Debian: postgresql-client): its comparisons are left out\n',
    )

  const ways = {
    ...(psql && { 'psql, 1 connection': () => copy(url, join(folder, 'all.copy')) }),
    'writer, 1 connection': () => ask(writer, { connections: 1 }),
    ...(psql && {
      'psql, 2 connections': async () =>
        Math.max(
          ...(await Promise.all(['odd', 'even'].map((name) => copy(url, join(folder, `${name}.copy`))))),
        ),
    }),
    'writer, 2 connections': () => ask(writer, { connections: 2 }),
    recorder: async () => ask(sender, { url: await recorder.url, connections: 8 }),
  }
  const perSecond = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
  try {
    await Promise.all([message(writer), message(sender), recorder.url])
    // The first round warms what a long-lived process has warm; it does not count.
    for (let round = 0; round <= rounds; round += 1)
      for (const [name, way] of Object.entries(ways)) {
        onProgress(`${name} (${round}/${rounds})`)
        await admin.query('TRUNCATE throughline.operations, throughline.delivered, throughline.rollup_marks')
        await admin.query('CHECKPOINT')
        const ms = await way()
        const { n } = (await admin.query('SELECT count(*)::int AS n FROM throughline.operations')).rows[0]
        if (n !== rows) throw new Error(`${name}: ${n} of ${rows} rows are stored`)
        if (round > 0) perSecond[name].push((rows * 1_000) / ms)
      }
  } finally {
    writer.disconnect()
    sender.disconnect()
    recorder.stop()
    await admin.end()
    await rm(folder, { recursive: true, force: true })
  }
  const row = (name, ours, theirs, budget) =>
    perSecond[theirs] === undefined
      ? []
      : [
          {
            name,
            unit: 'rows/s',
            ours: median(perSecond[ours]),
            theirs: median(perSecond[theirs]),
            ratio: median(perSecond[ours].map((value, i) => value / perSecond[theirs][i])),
            atLeast: true,
            ...budget,
          },
        ]
  return {
    rows: [
      ...row(
        'writer, full product schema, 1 connection, against `psql \\copy` binary of the same rows into the same table',
        'writer, 1 connection',
        'psql, 1 connection',
        { target: 0.75, gate: 0.68 },
      ),
      ...row(
        'the same, 2 connections, against two `psql \\copy`',
        'writer, 2 connections',
        'psql, 2 connections',
        {
          target: 0.62,
          gate: 0.56,
        },
      ),
      ...row(
        'OTLP request to COMMIT, the whole recorder process, against the writer alone (2 connections)',
        'recorder',
        'writer, 2 connections',
        {
          target: 0.7,
          gate: 0.45,
          why: 'sender, recorder and two backends share two cores, which the writer alone has for itself; of the recorder a third is decoding and the rows made of it, a fifth the encoding for COPY, a fifth the sockets, an eighth garbage collection',
        },
      ),
    ],
    cases: Object.fromEntries(
      Object.entries(perSecond).map(([name, values]) => [
        name,
        { unit: 'rows/s', value: median(values), range: [Math.min(...values), Math.max(...values)] },
      ]),
    ),
  }
}

async function beforeStoring(processes, onProgress) {
  const decoded = await compare(['decode', 'decode-protobufjs'], {
    processes,
    rounds: 3,
    calls: 60,
    onProgress,
  })
  const appended = await compare(['spool-append', 'bare-write'], {
    processes,
    rounds: 3,
    calls: 20_000,
    onProgress,
  })
  const perSecond = (name) => (requestSpans * 1e9) / decoded.get(name).cpu
  return {
    rows: [
      {
        name: `decode of a trace request of ${requestSpans} spans, against the decoder that protobufjs generates`,
        unit: 'spans/s',
        ours: perSecond('decode'),
        theirs: perSecond('decode-protobufjs'),
        ratio: 1 / ratio(decoded, 'decode', 'decode-protobufjs'),
        atLeast: true,
        target: 2,
        gate: 1.5,
      },
      {
        name: 'append to the spool, against a bare `writeSync` of the same bytes',
        ours: appended.get('spool-append').cpu,
        theirs: appended.get('bare-write').cpu,
        ratio: ratio(appended, 'spool-append', 'bare-write'),
        target: 1.6,
        gate: 1.6,
      },
    ],
    cases: Object.fromEntries(
      [...decoded, ...appended].map(([name, { cpu, cpuRange }]) => [
        name.startsWith('decode') ? `${name}, of each span` : name,
        {
          unit: 'ns',
          value: name.startsWith('decode') ? cpu / requestSpans : cpu,
          range: name.startsWith('decode') ? cpuRange.map((one) => one / requestSpans) : cpuRange,
        },
      ]),
    ),
  }
}

async function ask(child, what) {
  child.send(what)
  return (await message(child)).ms
}

async function message(child) {
  const ended = new AbortController()
  try {
    const [value] = await Promise.race([
      once(child, 'message', ended),
      once(child, 'exit', ended).then(([code]) => {
        throw new Error(`a process of the benchmark ended with ${code}`)
      }),
    ])
    return value
  } finally {
    ended.abort()
  }
}

async function hasPsql() {
  return node('psql', ['--version']).then(
    () => true,
    () => false,
  )
}

/** The time of the statement alone, as psql measures it: its own start does not count. */
async function copy(url, file) {
  const statement = `\\copy throughline.operations (${columnNames}) from '${file}' with (format binary)`
  const { stdout } = await node('psql', [
    '-X',
    '-q',
    '-v',
    'ON_ERROR_STOP=1',
    '-d',
    url,
    '-c',
    '\\timing on',
    '-c',
    statement,
  ])
  const ms = /Time: ([\d.]+) ms/.exec(stdout)?.[1]
  if (ms === undefined) throw new Error(`psql did not tell its time: ${stdout}`)
  return Number(ms)
}

function startRecorder(databaseUrl) {
  const child = spawn(process.execPath, [at('../packages/recorder/dist/main.js')], {
    env: {
      ...process.env,
      THROUGHLINE_DATABASE_URL: databaseUrl,
      THROUGHLINE_RECORDER_AUTH: 'off',
      THROUGHLINE_RECORDER_PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = once(createInterface({ input: child.stdout }), 'line')
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the recorder ended with ${code}`)
  })
  const url = Promise.race([line, ended]).then(([text]) => JSON.parse(text).url)
  url.catch(() => {})
  return { url, stop: () => child.kill() }
}
