import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createToken } from '@throughline/postgres/tokens'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { aRow, writeRows } from '../../../recorder/test/rows.js'
import { useRecorder } from '../../../recorder/test/running-recorder.js'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const sources = new URL('../../../recorder/test/sources.mjs', import.meta.url).href
const recorder = useRecorder()
const children: ChildProcess[] = []
let url: string
let dir: string
let tokenFile: string

beforeAll(async () => {
  url = (await recorder.another({ auth: 'required', tokenRefreshMs: 100, jaegerUrl: 'http://jaeger.test' }))
    .url
  dir = await mkdtemp(join(tmpdir(), 'throughline-reading-'))
  tokenFile = join(dir, 'token')
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(dir, { recursive: true, force: true })
})

const begin = async (...args: string[]): Promise<ChildProcess> => {
  const pool = new pg.Pool({ connectionString: recorder.databaseUrl })
  const { secret } = await createToken(pool, { name: 'cli', role: 'read' })
  await pool.end()
  await writeFile(tokenFile, `${secret}\n`)
  const child = spawn(
    process.execPath,
    ['--import', sources, main, ...args, '--recorder', url, '--token-file', tokenFile],
    { env: { PATH: process.env.PATH }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  children.push(child)
  return child
}
const run = async (...args: string[]): Promise<{ code: number; out: string; err: string }> => {
  const child = await begin(...args)
  let [out, err] = ['', '']
  child.stdout!.on('data', (chunk: Buffer) => {
    out += chunk
  })
  child.stderr!.on('data', (chunk: Buffer) => {
    err += chunk
  })
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, err }
}

test('show tells one correlation ID as a timeline over services', async () => {
  const traceId = 'ab'.repeat(16)
  const at = BigInt(Date.now() - 60_000) * 1000n
  const shared = { correlationId: 'order-4711', traceId }
  await writeRows(recorder.databaseUrl, [
    aRow({
      ...shared,
      service: 'shop',
      operationService: 'Shop',
      operation: 'order',
      spanId: '1'.repeat(16),
      startedAtUs: at,
      durationUs: 900_000n,
    }),
    aRow({
      ...shared,
      parentSpanId: '1'.repeat(16),
      startedAtUs: at + 300_000n,
      durationUs: 30_000n,
      metadata: '{"site": "cologne\\u001b[31m"}',
      business: '[{"name": "business.order.value", "labels": {"currency": "USD"}, "value": "129.90"}]',
    }),
    aRow({
      ...shared,
      operation: 'refund',
      startedAtUs: at + 600_000n,
      success: false,
      errorType: 'Declined',
      errorMessage: 'no\nmoney',
    }),
  ])
  const { code, out } = await run('show', 'order-4711')
  expect(code).toBe(0)
  expect(out).toContain('order-4711  3 operations of shop, billing in 900 ms, 1 failed')
  expect(out).toContain('business.order.value 129.90 USD')
  expect(out).toMatch(/\+0\.000 ms {2}█{30} +900 ms {2}✔ {2}Shop\.order {2}shop\n/)
  expect(out).toMatch(
    /\+300 ms {2}·{10}█·{19} +30\.0 ms {2}✔ {4}Billing\.charge {2}billing {2}site=cologne\\u001b\[31m/,
  )
  expect(out).toMatch(/ Declined: no money\n/)
  expect(out).toContain(`http://jaeger.test/trace/${traceId}`)
  const json = JSON.parse((await run('show', 'order-4711', '--json')).out)
  expect(json.story.count).toBe(3)
  expect(await run('show', 'nobody')).toMatchObject({ code: 1, out: 'There is no operation of nobody.\n' })
})

test('tail prints what is stored from now on, until it is told to stop', async () => {
  const child = await begin('tail', '--failed')
  let out = ''
  child.stdout!.on('data', (chunk: Buffer) => {
    out += chunk
  })
  const writing = setInterval(
    () =>
      void writeRows(recorder.databaseUrl, [
        aRow({ operation: 'fine' }),
        aRow({ operation: 'broken', success: false, errorType: 'Declined', errorMessage: 'no money' }),
      ]),
    300,
  )
  await expect.poll(() => out, { timeout: 15_000 }).toContain('Billing.broken')
  clearInterval(writing)
  expect(out).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} {2}✘ {2}Billing\.broken {2}1\.50 ms {2}billing {2}user-1 {2}order-4711 {2}Declined: no money\n/,
  )
  expect(out).not.toContain('fine')
  child.kill('SIGINT')
  expect(await once(child, 'close')).toEqual([0, null])
})

test('compare is a gate: exit code 1 for a worse version, 0 for noise, 2 while nobody can say', async () => {
  const version = (serviceVersion: string, count: number, hoursAgo: number, failEvery: number) =>
    Array.from({ length: count }, (_, n) =>
      aRow({
        serviceVersion,
        startedAtUs: BigInt(Date.now() - hoursAgo * 3_600_000 + n * 5_000) * 1000n,
        success: n % failEvery !== 0,
        errorType: n % failEvery === 0 ? 'Timeout' : null,
      }),
    )
  await writeRows(recorder.databaseUrl, [...version('1.0.0', 300, 4, 100), ...version('1.1.0', 300, 2, 5)])
  const worse = await run('compare', '--operation', 'Billing.charge', '--fail-on', 'failures,latency')
  expect(worse.code).toBe(1)
  expect(worse.out).toMatch(/worse +failures: 1\.00 % → 20\.00 % \(3 of 300, 60 of 300\)/)
  expect(worse.out).toContain('1.1.0 against 1.0.0 is worse')
  expect((await run('compare', '--fail-on', 'latency', '--json')).code).toBe(0)
  expect((await run('compare', '--operation', 'nothing', '--fail-on', 'any')).code).toBe(2)
  expect((await run('compare')).code).toBe(0)
})

test.each([
  [['show'], 'One correlation ID is needed'],
  [['compare', '--fail-on', 'luck'], '--fail-on has luck'],
  [['compare', '--hours', 'x'], '--hours is x'],
  [['compare', '--hours', '0'], 'hours'],
])('%j is refused with what is wrong', async (args, message) => {
  const { code, err } = await run(...args)
  expect(code).toBe(1)
  expect(err).toContain(message)
})

test('a token that is not valid, or a recorder that is not there, is said with the way out', async () => {
  const child = spawn(process.execPath, ['--import', sources, main, 'show', 'x', '--recorder', url], {
    env: { PATH: process.env.PATH, THROUGHLINE_RECORDER_TOKEN: 'tl_read_wrong' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let err = ''
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk
  })
  await once(child, 'close')
  expect(err).toContain('throughline token create --role read')
  expect((await run('show', 'x', '--recorder', 'http://127.0.0.1:1')).code).toBe(1)
})
