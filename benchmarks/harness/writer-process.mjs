// The writer in a process of its own, as the recorder has it. Holds the rows as objects; stores all of them each time it is told to.
//   fork(writer-process.mjs, [url, rows, batch, folder, beginMs]); message { connections } → { ms, cpuMs }
// Leaves all.copy, and odd.copy and even.copy with every other batch, in the folder: what psql copies into the same table.
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { createPool, createWriter } from '@throughline/postgres'
import { encodeCopy } from '../../packages/postgres/dist/binary.js'
import { makeRows } from './rows.mjs'

const [url, rows, batch, folder, beginMs] = [
  process.argv[2],
  ...process.argv.slice(3, 5).map(Number),
  process.argv[5],
  Number(process.argv[6]),
]
const headerBytes = 19
const trailerBytes = 2

const batches = []
for (let from = 0; from < rows; from += batch)
  batches.push(makeRows(from, Math.min(from + batch, rows), beginMs))
await Promise.all([
  writeCopy('all', batches),
  writeCopy(
    'odd',
    batches.filter((_, at) => at % 2 === 1),
  ),
  writeCopy(
    'even',
    batches.filter((_, at) => at % 2 === 0),
  ),
])

process.on('message', async ({ connections }) => {
  // One batch more than there are connections is on its way: the next is made ready while Postgres works.
  const pool = createPool(url, { maxConnections: connections, statementTimeoutMs: 300_000 })
  const writer = createWriter(pool)
  await Promise.all(Array.from({ length: connections }, () => pool.query('SELECT 1')))
  const cpu = process.cpuUsage()
  const began = performance.now()
  let next = 0
  let stored = 0
  await Promise.all(
    Array.from({ length: connections + 1 }, async () => {
      while (next < batches.length) {
        const { inserted } = await writer.write(batches[next++])
        stored += inserted
      }
    }),
  )
  const ms = performance.now() - began
  const { user, system } = process.cpuUsage(cpu)
  await pool.end()
  if (stored !== rows) throw new Error(`${stored} of ${rows} rows were stored`)
  process.send({ ms, cpuMs: (user + system) / 1_000 })
})
process.on('disconnect', () => process.exit(0))
process.send('ready')

async function writeCopy(name, parts) {
  const out = createWriteStream(join(folder, `${name}.copy`))
  for (const [at, part] of parts.entries()) {
    const bytes = Buffer.concat([...encodeCopy(part)])
    // One header before all rows, one trailer after them.
    out.write(bytes.subarray(at === 0 ? 0 : headerBytes, bytes.length - trailerBytes))
    if (out.writableNeedDrain) await new Promise((resolve) => out.once('drain', resolve))
  }
  out.end(Buffer.from([0xff, 0xff]))
  await finished(out)
}
