// node run.mjs <peer> <file>: runs the cases on one library and writes what came of them as JSON. Started by ../peers.mjs.
import { writeFileSync } from 'node:fs'
import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'

/** A call that never comes back shall not hold the others. */
const LIMIT_MS = 10_000

const [, , peer, file] = process.argv
const { groups, runCase, countUnhandled } = await import('./dist/cases.mjs')
const { create } = await import(`./subjects/${peer}.mjs`)

process.on('uncaughtException', () => {})

const subject = { name: peer, ...create() }
// A rejection that is reported shall not end the process; the cases look at it themselves.
process.on('unhandledRejection', () => {})
// Some cases look at OpenTelemetry's context; who brings none shall not fail for it.
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())

const results = {}
for (const { title, cases } of groups) {
  for (const one of cases.filter(({ own }) => !own)) {
    const key = `${title}: ${one.what}`
    const name = key.replace(/\W+/g, '-')
    let timer
    const late = new Promise((resolve) => {
      timer = setTimeout(
        () => resolve({ faults: ['it never ended'], records: [], workedMs: 0, recordedMs: 0, timed: false }),
        LIMIT_MS,
      )
    })
    const { records, ...result } = await Promise.race([runCase(one, subject, name), late])
    clearTimeout(timer)
    // Ten thousand words in a row say no more than their count.
    const tally = {}
    for (const record of records) tally[record] = (tally[record] ?? 0) + 1
    results[key] = { ...result, records: tally }
  }
}
const bare = await countUnhandled((fn) => fn)
const unhandled = await countUnhandled((fn) => subject.wrap('unhandled', fn))
writeFileSync(file, JSON.stringify({ cases: results, unhandled, bare }))
process.exit(0)
