import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, expect, test, vi } from 'vitest'
import { testDatabase } from '../../../tests/support/postgres.js'
import { aSpan, post, requestOf } from '../test/requests.js'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
const sources = new URL('../test/sources.mjs', import.meta.url).href

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

test.each<[NodeJS.Signals, number | null]>([
  ['SIGTERM', 0],
  ['SIGKILL', null],
])(
  'whatever was answered 200 before or while %s ends the process is in the database',
  async (signal, exitCode) => {
    const database = await testDatabase()
    const child = spawn(process.execPath, ['--import', sources, main], {
      env: {
        PATH: process.env.PATH,
        THROUGHLINE_DATABASE_URL: database.url,
        THROUGHLINE_RECORDER_PORT: '0',
        THROUGHLINE_RECORDER_AUTH: 'off',
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    children.push(child)
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    const { url } = JSON.parse(line) as { url: string }
    await vi.waitUntil(async () => (await fetch(`${url}/healthz`)).ok, { timeout: 20_000 })

    const answered: string[] = []
    const sender = async (): Promise<void> => {
      for (;;) {
        const spans = Array.from({ length: 20 }, () => aSpan())
        const answer = await post(url, requestOf(spans)).catch(() => undefined)
        if (answer === undefined) return
        if (answer.status === 200) answered.push(...spans.map((span) => span.traceId))
        else expect(answer.status).toBe(503)
      }
    }
    const senders = Array.from({ length: 8 }, sender)
    await vi.waitUntil(() => answered.length > 400, { timeout: 20_000 })
    const exited = once(child, 'exit')
    child.kill(signal)
    expect((await exited)[0]).toBe(exitCode)
    await Promise.all(senders)

    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const { rows } = await client.query(
      `SELECT count(DISTINCT id)::int AS n FROM unnest($1::uuid[]) AS id JOIN throughline.operations ON trace_id = id`,
      [answered],
    )
    expect(rows[0].n).toBe(answered.length)
    await client.end()
    await database.drop()
  },
)
