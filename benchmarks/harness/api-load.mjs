// Fifty readers beside 5,000 rows a second: what they cost the writes, and how long they wait.
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { longestMonth } from './api-pages.mjs'
import { spread, text, timed } from './asked.mjs'
import { median } from './compare.mjs'

const minuteMs = 60_000
const writtenPerSecond = 5_000
const readers = 50

export async function underLoad({ pool, recorder, sender, window, size, onProgress }) {
  const turnMs = 20_000
  const turns = 3
  const { url } = recorder
  const ask = async () => {
    sender.send({ ask: true })
    return (await once(sender, 'message'))[0]
  }
  const one = `${url}/metrics/performance?from=${window.from.toISOString()}`
  const alone = []
  const together = []
  for (let turn = 0; turn < 7; turn += 1) {
    await delay(1_100)
    alone.push(await timed(() => text(`${one}&top=${30 + turn}`)))
    together.push(
      await timed(() => Promise.all(Array.from({ length: readers }, () => text(`${one}&top=${60 + turn}`)))),
    )
  }
  sender.send({ perSecond: writtenPerSecond })
  onProgress(`${writtenPerSecond} rows/s`)
  // Two minutes of that pace before anything counts: then the minute before is being summed up, as ever.
  await delay(2 * minuteMs)
  const quiet = []
  const busy = []
  const waits = { quiet: [], busy: [] }
  const seen = { times: [], refused: 0 }
  let connections = 0
  for (let turn = 0; turn < turns; turn += 1)
    for (const [name, perSecond] of [
      ['quiet', quiet],
      ['busy', busy],
    ]) {
      onProgress(`${name} (${turn + 1}/${turns})`)
      const stop = new AbortController()
      const reading = name === 'busy' ? readFor(url, window, stop.signal, seen) : Promise.resolve()
      const watching = watch(pool, stop.signal, (count) => {
        connections = Math.max(connections, count)
      })
      await ask()
      const began = performance.now()
      await delay(turnMs)
      const { rows, waitsMs } = await ask()
      perSecond.push((rows * 1_000) / (performance.now() - began))
      waits[name].push(...waitsMs)
      stop.abort()
      await Promise.all([reading, watching])
    }
  return {
    rows: [
      {
        name: `rows written of ${writtenPerSecond} offered a second, beside ${readers} readers, against without; ${size}`,
        unit: 'rows/s',
        ours: median(busy),
        theirs: median(quiet),
        ratio: median(busy.map((value, turn) => value / quiet[turn])),
        atLeast: true,
        target: 0.9,
        gate: 0.9,
      },
      {
        name: `pages refused as the recorder was busy, of ${readers} readers' beside ${writtenPerSecond} rows/s, against one in a hundred`,
        unit: 'pages',
        ours: seen.refused,
        theirs: seen.times.length / 100,
        ratio: seen.refused / (seen.times.length / 100),
        target: 1,
        gate: 1,
      },
      {
        name: 'connections that the pages have at a time, at most, against 4',
        unit: 'connections',
        ours: connections,
        theirs: 4,
        ratio: connections / 4,
        target: 1,
        gate: 1,
      },
      {
        name: `${readers} equal questions at once, against one: they are one`,
        unit: 'ms',
        ours: median(together),
        theirs: median(alone),
        ratio: median(together) / median(alone),
        target: 2,
        gate: 3,
      },
    ],
    cases: {
      [`a page beside ${readers} readers and ${writtenPerSecond} rows/s`]: spread(seen.times),
      'a request with rows, without readers': spread(waits.quiet),
      [`a request with rows, beside ${readers} readers`]: spread(waits.busy),
    },
  }
}

/** Fifty who each look once a second at one of the pages that a console and its people ask for. */
async function readFor(url, window, signal, seen) {
  const pages = [
    ...Array.from({ length: 10 }, () => '/metrics/performance?hours=24'),
    ...Array.from({ length: 10 }, () => '/metrics/performance?hours=1'),
    ...Array.from({ length: 10 }, (_, n) => `/metrics/performance?hours=24&service=service-${n % 4}`),
    ...Array.from({ length: 5 }, () => '/metrics/health'),
    ...Array.from({ length: 5 }, () => '/v1/operations?hours=1&limit=50'),
    ...Array.from({ length: 4 }, () => `/metrics/business?period=${longestMonth(window)}`),
    ...Array.from({ length: 4 }, () => '/metrics/prometheus'),
    ...Array.from({ length: 2 }, () => '/metrics/compare?hours=24'),
  ]
  const everyMs = 1_000
  await Promise.all(
    pages.slice(0, readers).map(async (page, n) => {
      await delay((everyMs * n) / readers)
      while (!signal.aborted) {
        const took = await timed(() => lookAt(`${url}${page}`, seen))
        seen.times.push(took)
        await delay(Math.max(0, everyMs - took))
      }
    }),
  )
}

/** A recorder that is too busy says so: no answer, and no end of the run. */
async function lookAt(url, seen) {
  const answer = await fetch(url)
  const body = await answer.text()
  if (answer.status === 503) seen.refused += 1
  else if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${body.slice(0, 300)}`)
}

async function watch(pool, signal, onCount) {
  while (!signal.aborted) {
    const { rows } = await pool.query(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'throughline reads'`,
    )
    onCount(rows[0].n)
    await delay(500)
  }
}
