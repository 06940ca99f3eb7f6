import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Span } from '@throughline/otlp'
import { createToken, revokeToken, type TokenRole } from '@throughline/postgres/tokens'
import pg from 'pg'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, vi } from 'vitest'
import {
  createWriter,
  ensurePartitions,
  migrate,
  type OperationRow,
} from '../../../packages/postgres/src/index.js'
import { createRecorder, type RecorderOptions } from '../../../packages/recorder/src/index.js'
import { post, protobuf, requestOf } from '../../../packages/recorder/test/requests.js'
import { testDatabase } from '../../support/postgres.js'

/** Debian's `chromium`, or the one that CHROMIUM names. */
const executable = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && path !== '' && existsSync(path))

const missing = 'there is no chromium here; Debian has it as: apt-get install chromium'

export type Opened = {
  page: Page
  /** What the browser said of errors and of what the policy refused. */
  complaints: string[]
  /** Addresses of other hosts that were asked. */
  foreign: string[]
}

export type Stage = {
  url: string
  /** Runs before the tests, once all is there. */
  prepare: (make: () => Promise<void>) => void
  pool: pg.Pool
  write: (rows: readonly OperationRow[]) => Promise<void>
  /** Makes the partition of the day of this moment. */
  makeDay: (ms: number) => Promise<void>
  /** Resolves when the sums of all hours but the last ones are made. */
  summedUp: () => Promise<void>
  /** Sends records as a service does; resolves when they are committed. */
  send: (spans: readonly Span[]) => Promise<void>
  token: (role: TokenRole) => Promise<{ id: string; secret: string }>
  revoke: (id: string) => Promise<void>
  /** A page that is signed in, at `hash`; without a role it is not signed in. */
  open: (hash: string, role?: TokenRole, options?: BrowserContextOptions) => Promise<Opened>
}

const build = fileURLToPath(new URL('../../../scripts/console.mjs', import.meta.url))
export const model = fileURLToPath(new URL('../../../examples/dyno-allocation/value.yaml', import.meta.url))

/** For the top of a test file: Postgres, a recorder whose auth is required, a browser. */
export const useStage = (
  options: Partial<RecorderOptions> = {},
  server?: () => Promise<{ url: string }>,
): Stage => {
  const stage = {} as Stage
  const endings: (() => Promise<unknown>)[] = []
  let browser: Browser

  beforeAll(async () => {
    if (executable === undefined) {
      if (process.env.CI === 'true') throw new Error(missing)
      console.warn(`Skipped: ${missing}`)
      return
    }
    await promisify(execFile)(process.execPath, [build])
    const database: { url: string; drop?: () => Promise<unknown> } = await (server ?? testDatabase)()
    if (database.drop !== undefined) endings.push(database.drop)
    await migrate(database.url)
    stage.pool = new pg.Pool({ connectionString: database.url, max: 2 })
    stage.pool.on('error', () => {})
    endings.push(() => stage.pool.end())
    const recorder = createRecorder({
      databaseUrl: database.url,
      port: 0,
      tokenRefreshMs: 100,
      valueModel: model,
      jaegerUrl: 'http://127.0.0.1:16686',
      prometheusUrl: 'http://127.0.0.1:9090',
      log: () => {},
      ...options,
    })
    endings.push(() => recorder.close())
    stage.url = (await recorder.listen()).url
    await vi.waitUntil(async () => (await fetch(`${stage.url}/healthz`)).ok, { timeout: 20_000 })
    browser = await chromium.launch({
      executablePath: executable,
      args: ['--disable-gpu', '--disable-dev-shm-usage', '--font-render-hinting=none'],
      chromiumSandbox: process.getuid?.() !== 0,
    })
    endings.push(() => browser.close())
  })
  // A skipped test is said with its reason; where CI is set, a browser that is missing is a failure.
  beforeEach(({ skip }) => {
    if (executable === undefined) skip(missing)
  })
  afterAll(async () => {
    for (const end of endings.reverse()) await end()
  })

  stage.prepare = (make) =>
    beforeAll(async () => {
      if (executable !== undefined) await make()
    })
  stage.write = async (rows) => {
    await ensurePartitions(stage.pool)
    for (let at = 0; at < rows.length; at += 2_500)
      await createWriter(stage.pool).write(rows.slice(at, at + 2_500))
  }
  stage.makeDay = async (ms) => {
    for (const at of [ms - 86_400_000, ms])
      await stage.pool.query('SELECT throughline.create_partition($1)', [
        new Date(at).toISOString().slice(0, 10),
      ])
  }
  stage.summedUp = async () => {
    await vi.waitUntil(
      async () => {
        const { rows } = await stage.pool.query(
          `SELECT count(*)::int AS n FROM throughline.rollup_marks WHERE level IN ('m', 'h') AND start < now() - interval '3 hours'`,
        )
        return rows[0].n === 0
      },
      { timeout: 60_000, interval: 200 },
    )
  }
  stage.send = async (spans) => {
    const { secret } = await stage.token('ingest')
    const headers = { ...protobuf, authorization: `Bearer ${secret}` }
    await vi.waitUntil(async () => (await post(stage.url, requestOf(spans), headers)).ok, { timeout: 10_000 })
  }
  stage.token = async (role) =>
    createToken(stage.pool, { name: `console ${randomBytes(3).toString('hex')}`, role, expiresAt: null })
  stage.revoke = async (id) => void (await revokeToken(stage.pool, id))
  stage.open = async (hash, role, contextOptions = {}) => {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 860 },
      reducedMotion: 'reduce',
      timezoneId: 'UTC',
      colorScheme: 'light',
      ...contextOptions,
    })
    endings.push(() => context.close())
    const page = await context.newPage()
    page.setDefaultTimeout(20_000)
    const opened: Opened = { page, complaints: [], foreign: [] }
    page.on('pageerror', (error) => opened.complaints.push(error.message))
    page.on('console', (message) => {
      // That a request was refused is what some tests are about; the page shows it.
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text()))
        opened.complaints.push(message.text())
    })
    page.on('dialog', (dialog) => {
      opened.complaints.push(`dialog ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('request', (request) => {
      const address = request.url()
      if (!address.startsWith(stage.url) && !address.startsWith('blob:')) opened.foreign.push(address)
    })
    if (role !== undefined) {
      const { secret } = await stage.token(role)
      await context.addInitScript(
        `if (!sessionStorage.getItem('was')) { sessionStorage.setItem('was', '1'); sessionStorage.setItem('throughline.token', ${JSON.stringify(secret)}) }`,
      )
    }
    await page.goto(`${stage.url}/${hash}`)
    return opened
  }
  return stage
}
