import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { freeze, loadValueModel } from '../../packages/recorder/src/value.js'
import { aSpan } from '../../packages/recorder/test/requests.js'
import { overflow, seriousFindings, shot } from './support/look.js'
import { model, type Opened, useStage } from './support/stage.js'
import { exampleRows, retriedStory } from './support/story-rows.js'

// Jaeger, Prometheus and the Collector's metrics page are other programs: here they are only known to answer.
const places = createServer((_request, response) =>
  response.end('otelcol_exporter_queue_size{exporter="otlp_http/records"} 0\n'),
).listen(0, '127.0.0.1')
await once(places, 'listening')
afterAll(() => void places.close())
const place = `http://127.0.0.1:${(places.address() as AddressInfo).port}`
const stage = useStage({ jaegerUrl: place, prometheusUrl: place, collectorUrl: `${place}/metrics` })
const day = 86_400_000
const now = Date.now()
/** Noon, so that hours before it lie on the same day. */
const noon = (daysAgo: number): number => Math.floor(now / day - daysAgo) * day + day / 2
const monthBefore = new Date(noon(34)).toISOString().slice(0, 7)
const ofDay = exampleRows(now, 50)
const retried = retriedStory('order-7100', now - 1_800_000)
const failed = retried.find((row) => !row.success && row.operation === 'book')!

stage.prepare(async () => {
  for (const ago of [68, 41, 34]) {
    await stage.makeDay(noon(ago))
    await stage.write(exampleRows(noon(ago), 6, 70 - ago, '1.3.2'))
  }
  await stage.write([...ofDay, ...retried])
  await stage.summedUp()
  await freeze(stage.pool, await loadValueModel(model), { period: monthBefore })
  await tellOfInstances()
  await stage.send([aSpan({ startTimeUnixNano: BigInt(now - 100 * day) * 1_000_000n })])
})

/** One that delivered all, one that stopped with a gap. */
const tellOfInstances = async (): Promise<void> => {
  for (const [service, version, last, stopped, gap] of [
    ['allocation', '1.4.0', 1_204, null, 0],
    ['catalogue', '2.0.1', 811, null, 0],
    ['allocation', '1.3.2', 940, 'signal:SIGTERM', 3],
  ] as const) {
    const instance = randomUUID()
    await stage.pool.query(
      `INSERT INTO throughline.instances (instance, service, version, host, started_at, last_seq, stopped_at, stop_reason)
       VALUES ($1, $2, $3, 'plant-2', now() - interval '5 hours', $4, CASE WHEN $5::text IS NULL THEN NULL ELSE now() END, $5)`,
      [instance, service, version, last, stopped],
    )
    await stage.pool.query(
      'INSERT INTO throughline.delivered (instance, lo, hi, received) VALUES ($1, 1, $2, $3), ($1, $4, $5, $6)',
      [instance, last - 10 - gap, last - 10 - gap, last - 9, last, gap === 0 ? 10 : 12],
    )
  }
}

const seen = async (opened: Opened, picture?: string): Promise<void> => {
  const { page, complaints, foreign } = opened
  expect(await seriousFindings(page)).toEqual([])
  expect(await overflow(page)).toEqual([])
  expect(complaints).toEqual([])
  expect(foreign).toEqual([])
  await page.mouse.move(0, 0)
  await page.evaluate('scrollTo(0, 0)')
  if (picture !== undefined) await shot(page, picture)
}

const countSince = async (where: string): Promise<string> => {
  const { rows } = await stage.pool.query(
    `SELECT count(*)::int AS n FROM throughline.operations WHERE started_at >= now() - interval '24 hours' AND ${where}`,
  )
  return new Intl.NumberFormat('en-US').format(rows[0].n)
}

test('the overview counts what the rows say, and shows the slowest with a link to Jaeger', async () => {
  const opened = await stage.open('', 'read')
  const { page } = opened
  await page.getByRole('heading', { name: 'Slowest' }).waitFor()
  const tile = page.locator('.tile', { hasText: 'Operations' })
  expect(await tile.locator('.big').textContent()).toBe(await countSince('true'))
  expect(await page.locator('.tile', { hasText: 'Success' }).textContent()).toContain(
    `${await countSince('NOT success')} failed`,
  )
  expect(await page.getByRole('link', { name: 'Jaeger' }).first().getAttribute('href')).toMatch(
    /^http:\/\/127\.0\.0\.1:\d+\/trace\/[0-9a-f]{32}/,
  )
  await page.getByText('live', { exact: true }).waitFor()
  await seen(opened, 'overview')
})

test('a service is picked, a window is picked, and both stay in the address', async () => {
  const { page } = await stage.open('', 'read')
  await page.getByLabel('Service').selectOption('catalogue')
  await page.getByRole('button', { name: '1 h', exact: true }).click()
  await page.getByText('catalogue, the last hour').waitFor()
  expect(page.url()).toContain('service=catalogue&hours=1')
  await page.reload()
  await page.getByText('catalogue, the last hour').waitFor()
})

test('a window is marked in a chart with the mouse', async () => {
  const { page } = await stage.open('', 'read')
  const chart = page.getByRole('img', { name: /^Throughput/ })
  const box = (await chart.boundingBox())!
  await page.mouse.move(box.x + box.width * 0.4, box.y + 80)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.6, box.y + 80, { steps: 5 })
  await page.mouse.up()
  await page.getByText('the window that you marked').waitFor()
  await page.getByRole('button', { name: 'Marked' }).click()
  await page.getByText('the last 24 hours').first().waitFor()
})

test('a chart is a table, too', async () => {
  const { page } = await stage.open('', 'read')
  const chart = page.locator('figure', { hasText: 'Latency' })
  await chart.getByRole('button', { name: 'Table' }).click()
  expect(await chart.getByRole('row').count()).toBeGreaterThan(50)
  expect(await chart.getByRole('columnheader').allTextContents()).toEqual(['Time', 'p50', 'p95', 'p99'])
})

test('what happens now shows up on the overview by itself', async () => {
  const { page } = await stage.open('', 'read')
  await page.getByText('live', { exact: true }).waitFor()
  await stage.send([aSpan({ name: 'Paint.dry', attributes: { 'correlation.id': 'just-now-1' } })])
  await page.getByRole('region', { name: 'As they happen' }).getByText('just-now-1').waitFor()
})

test('an operation shows its distribution, users, errors, and what the deploy changed', async () => {
  const opened = await stage.open('', 'read')
  const { page } = opened
  await page.getByRole('row').getByRole('link', { name: 'AllocationService.autoAllocate' }).click()
  await page.getByText(/1\.4\.0 against 1\.3\.2/).waitFor()
  await page.getByRole('img', { name: /operations between/ }).waitFor()
  expect(await page.locator('.versions li').count()).toBe(2)
  expect(await page.locator('.bars').getByRole('link', { name: 'ada' }).count()).toBe(1)
  expect(await page.locator('.bars.bad').textContent()).toContain('NoFreeDynoError')
  await page.getByRole('heading', { name: 'Last failures' }).waitFor()
  const { rows } = await stage.pool.query(
    `SELECT count(*)::int AS n, count(*) FILTER (WHERE NOT success)::int AS failed FROM throughline.operations
     WHERE operation = 'autoAllocate' AND started_at >= now() - interval '28 days'`,
  )
  const { n, failed: missed } = rows[0] as { n: number; failed: number }
  const promise = page.locator('.objective li', { hasText: '99.50 % succeed' })
  const said = (await promise.textContent())!
  expect(said).toContain(`missed${(100 - (100 * missed) / n).toFixed(2)} %`)
  expect(said).toContain(`error budget overdrawn: ${missed} of ${Math.floor(n * 0.005)} that may fail`)
  await page.getByText('95.00 % take no longer than 250 ms').waitFor()
  await seen(opened, 'operation')
})

test('any ID finds the story: the correlation ID, the trace ID, the user', async () => {
  const { page } = await stage.open('', 'read')
  const search = page.getByRole('searchbox')
  await search.fill(failed.traceId)
  await search.press('Enter')
  await page.getByRole('heading', { name: failed.correlationId }).waitFor()
  await page.getByText('found by trace').waitFor()
  await search.fill(failed.userId!)
  await search.press('Enter')
  await page.getByText('Latest operations of this user').waitFor()
  await search.fill('no-such-thing')
  await search.press('Enter')
  await page.getByRole('heading', { name: 'Nothing has this ID' }).waitFor()
})

test('a story is a waterfall over services, with the failure, its stack and its business values', async () => {
  const opened = await stage.open(`#/id/${failed.correlationId}`, 'read')
  const { page } = opened
  const rows = page.getByRole('option')
  await rows.first().waitFor()
  expect(await rows.first().textContent()).toContain('AllocationService.autoAllocate')
  const detail = page.getByRole('complementary', { name: 'Operation' })
  expect(await detail.textContent()).toContain(failed.errorMessage)
  await detail.getByText('Stack').click()
  await detail.getByText('allocation-service.ts:61:13').waitFor()
  const address = await detail.getByRole('link', { name: 'Its series in Prometheus' }).getAttribute('href')
  expect(new URL(address!).searchParams.get('g0.expr')).toContain('operation_name="autoAllocate"')
  await page.getByText(`grep -F '${failed.correlationId}'`).waitFor()
  await seen(opened, 'correlation')
})

test('the value page says the savings that the rows give, and how', async () => {
  const opened = await stage.open('#/value', 'read')
  const { page } = opened
  const savings = page.getByRole('button', { name: /^Savings [\d.,]+ USD/ })
  await savings.click()
  const explained = page.locator('#explained')
  await explained.getByText('minutes_per_allocation').waitFor()
  const sql = (await explained.locator('pre.sql').textContent())!
  const { rows } = await stage.pool.query(sql)
  const [number] = Object.values(rows[0]) as [string]
  const said = (await savings.locator('.big').textContent())!
  expect(said.replace(/[^\d.]/g, '')).toBe(Number(number).toFixed(2))
  await page.getByRole('img', { name: /By month/ }).waitFor()
  await page.getByText('Claims that do not follow').waitFor()
  await seen(opened, 'value')
})

test('the figures are downloaded as CSV', async () => {
  const { page } = await stage.open('#/value', 'read')
  const coming = page.waitForEvent('download')
  await page.getByRole('button', { name: 'CSV' }).click()
  const file = await coming
  expect(file.suggestedFilename()).toBe(`value-${new Date().toISOString().slice(0, 7)}.csv`)
  const [head, first] = (await readFile((await file.path())!, 'utf8')).split('\r\n')
  expect(head).toBe('figure,value,unit,rows,formula,note,period,model,model_sha256')
  expect(first).toMatch(/^successes,\d+,1,\d+,/)
})

test('a frozen report that would differ today says by how much and why', async () => {
  const late = exampleRows(noon(34), 2, 8, '1.3.2')
    .filter((row) => row.success && row.operation === 'autoAllocate')
    .map((row, at) => ({ ...row, spanId: `${'0'.repeat(14)}${10 + at}` }))
  await stage.write(late)
  const { page } = await stage.open('#/value', 'read')
  await page.getByRole('link', { name: monthBefore }).click()
  await page.getByText('would differ: see below').waitFor()
  await page.getByRole('button', { name: /^Savings [\d.,]+ USD/ }).click()
  await page
    .locator('#explained')
    .getByText(/rows? came later/)
    .waitFor()
})

test('health shows the way of a record, what is missing, and dead letters that an admin tries again', async () => {
  const opened = await stage.open('#/health', 'admin')
  const { page } = opened
  await page.getByRole('list', { name: 'The way of a record' }).waitFor()
  expect(await page.locator('.way h3').allTextContents()).toEqual([
    'Services look',
    'Collector ok',
    'Recorder ok',
    'Postgres look',
    'Sums ok',
  ])
  await page.getByText(/3 numbers of 2,955 are not committed/).waitFor()
  const retry = page.getByRole('button', { name: 'Retry' })
  await retry.click()
  await page.getByText(/1 kept/).waitFor()
  await seen(opened, 'health')
})

test('who may only read sees dead letters and is offered no retry', async () => {
  const { page } = await stage.open('#/health', 'read')
  await page.getByText('A token of role admin may try them again').waitFor()
  expect(await page.getByRole('button', { name: 'Retry' }).count()).toBe(0)
})

for (const [hash, name, ready] of [
  ['', 'overview', 'Slowest'],
  [
    '#/operation?service=allocation&operation_service=AllocationService&operation=autoAllocate',
    'operation',
    'Slowest',
  ],
  [`#/id/${failed.correlationId}`, 'correlation', failed.correlationId],
  ['#/value', 'value', 'Claims that do not follow'],
  ['#/health', 'health', 'Dead letters'],
] as const) {
  test(`${name} in the dark`, async () => {
    const opened = await stage.open(hash, 'read', { colorScheme: 'dark' })
    await opened.page.getByRole('heading', { name: ready }).waitFor()
    await opened.page.getByRole('status', { name: 'Loading' }).waitFor({ state: 'detached' })
    await seen(opened, name === 'correlation' ? `${name}-dark` : undefined)
  })
  test(`${name} on a phone`, async () => {
    const opened = await stage.open(hash, 'read', {
      viewport: { width: 375, height: 740 },
      isMobile: true,
      hasTouch: true,
    })
    await opened.page.getByRole('heading', { name: ready }).waitFor()
    await opened.page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' })
    await seen(opened, name === 'overview' ? `${name}-phone` : undefined)
  })
}

test('the value report is printed without what is only for the screen', async () => {
  const { page } = await stage.open('#/value', 'read')
  await page.getByText('Claims that do not follow').waitFor()
  await page.emulateMedia({ media: 'print' })
  expect(await page.getByRole('navigation').isVisible()).toBe(false)
  expect(await page.getByRole('button', { name: 'CSV' }).isVisible()).toBe(false)
  expect(await page.getByText('Savings', { exact: true }).first().isVisible()).toBe(true)
})
