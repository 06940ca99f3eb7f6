import { expect, test } from 'vitest'
import { aCheckRow, aJobRow } from '../../packages/recorder/test/job-rows.js'
import { hostile, unharmed } from './support/hostile.js'
import { focused, overflow, seriousFindings, shot } from './support/look.js'
import { type Opened, useStage } from './support/stage.js'

const stage = useStage()
const now = Date.now()
const minute = 60_000
const failures = ['ExitCode', 'OomKilled', 'ExitCode', 'ImageNotFound', 'ExitCode', 'JobTimeout'] as const

stage.prepare(async () => {
  const jobs = Array.from({ length: 240 }, (_, n) => {
    const queued = 2_000 + ((n * 7_919) % 40) * 1_000
    const creating = 900 + ((n * 31) % 7) * 300
    const running = 20_000 + ((n * 131) % 60) * 1_000
    const failed = n % 20 === 3
    return aJobRow({
      queue: n % 5 === 0 ? 'thumbnails' : 'transcode',
      type: n % 5 === 0 ? 'preview' : n % 3 === 0 ? 'audio' : 'video',
      startedMs: now - 50 * minute + n * 12_000,
      tookMs: creating + 700 + running,
      status: failed ? 'failed' : n % 50 === 7 ? 'cancelled' : 'completed',
      ...(failed ? { error: failures[Math.floor(n / 20) % failures.length]! } : {}),
      phases: { queued, pulling: n % 10 === 0 ? 6_000 : 40, creating, starting: 660, running, removing: 120 },
      launchMs: queued + creating + 700,
    })
  })
  const state = {
    pending: 37,
    running: 4,
    completed: 181,
    failed: 10,
    cancelled: 4,
    depth: 37,
    oldest_age_s: 154,
  }
  await stage.write([
    ...jobs,
    aCheckRow({ host: 'plant-1', running: 4, peak: 4, state }),
    aCheckRow({
      host: 'plant-2',
      slots: 2,
      running: 2,
      usage: { cpu: 0.97, memory: 0.4, disk: 0.61 },
      state,
    }),
    aCheckRow({
      queue: 'thumbnails',
      host: 'plant-3',
      startedMs: now - 25 * minute,
      state: { pending: 0, running: 0, depth: 0 },
    }),
  ])
})

const seen = async ({ page, complaints, foreign }: Opened, picture?: string): Promise<void> => {
  expect(await seriousFindings(page)).toEqual([])
  expect(await overflow(page)).toEqual([])
  expect(complaints).toEqual([])
  expect(foreign).toEqual([])
  await page.mouse.move(0, 0)
  await page.evaluate('scrollTo(0, 0)')
  if (picture !== undefined) await shot(page, picture)
}
const open = async (hash = '#/jobs?hours=1', options = {}): Promise<Opened> => {
  const opened = await stage.open(hash, 'read', options)
  await opened.page.getByRole('heading', { name: 'Phases' }).waitFor()
  return opened
}
const tile = ({ page }: Opened, section: string, name: string) =>
  page
    .getByRole('region', { name: section })
    .locator('.tile')
    .filter({ has: page.getByText(name, { exact: true }) })

test('jobs shows what waits and runs now, and what the window was like', async () => {
  const opened = await open()
  const big = async (section: string, name: string) =>
    tile(opened, section, name).locator('.big').textContent()
  expect(await big('Now', 'Queue depth')).toBe('37')
  expect(await big('Now', 'Longest wait')).toBe('2 min 34 s')
  expect(await big('Now', 'Slots used')).toBe('100 %')
  expect(await big('Now', 'Last status check')).toMatch(/^\d\d min$/)
  const { rows } = await stage.pool.query(
    `SELECT count(*) FILTER (WHERE metadata ->> 'job.status' = 'failed')::int AS failed,
       count(*) FILTER (WHERE metadata ->> 'job.status' = 'completed')::int AS completed FROM throughline.operations WHERE metadata ? 'job.type'`,
  )
  expect(await big('In the window', 'Failures')).toBe(String(rows[0].failed))
  expect(await big('In the window', 'Success')).toBe(
    `${((100 * rows[0].completed) / (rows[0].completed + rows[0].failed)).toFixed(2)} %`,
  )
  await seen(opened, 'jobs')
})

test('waiting, pulling, creating, starting and running are told apart, for eyes and in words', async () => {
  const { page } = await open()
  const bar = page.locator('.phase-bar:not(.slim)')
  const said = (await bar.getAttribute('aria-label'))!
  for (const name of ['waiting in queue', 'pulling image', 'creating', 'starting', 'running'])
    expect(said).toContain(name)
  const colours = (await page.evaluate(
    `[...document.querySelectorAll('.phase-bar:not(.slim) .phase')].map((one) => getComputedStyle(one).backgroundColor)`,
  )) as string[]
  expect(new Set(colours).size).toBe(colours.length)
  expect(await page.getByRole('region', { name: 'Phases of the jobs' }).getByRole('row').count()).toBe(7)
})

test('a status check that is old is said, with its queue and its age', async () => {
  const { page } = await open()
  const note = page.getByRole('note').filter({ hasText: 'is old' })
  expect(await note.textContent()).toMatch(/thumbnails: \d+ min ago/)
  expect(
    await page
      .getByRole('region', { name: 'Hosts' })
      .getByText(/\d+ min ago, stale/)
      .count(),
  ).toBe(1)
})

test('a threshold is set with the keyboard, seen crossed, kept over a reload, and removed', async () => {
  const opened = await open()
  const { page } = opened
  const depth = tile(opened, 'Now', 'Queue depth')
  await depth.getByRole('button', { name: 'Set threshold of Queue depth' }).focus()
  await page.keyboard.press('Enter')
  const input = page.getByLabel('Warn above (jobs)')
  await expect.poll(() => page.evaluate('document.activeElement?.id')).toBe('limit-depth')
  await page.keyboard.press('Enter')
  await page.getByText('A number, 0 or more.').waitFor()
  await page.keyboard.type('30')
  await seen(opened)
  await page.keyboard.press('Enter')
  await expect.poll(() => focused(page)).toBe('Is above 30 jobs of Queue depth')
  const crossings = page.getByRole('status').filter({ hasText: 'crossed' })
  expect(await crossings.textContent()).toContain('All queues: Queue depth 37, above 30 jobs')
  await seen(opened)

  await page.reload()
  await crossings.waitFor()
  await page.getByRole('button', { name: 'Is above 30 jobs of Queue depth' }).click()
  await page.keyboard.press('Escape')
  await input.waitFor({ state: 'detached' })
  await expect.poll(() => focused(page)).toBe('Is above 30 jobs of Queue depth')
  await page.keyboard.press('Enter')
  await input.fill('40')
  await page.getByRole('button', { name: 'Keep' }).click()
  await page.getByRole('button', { name: 'Not above 40 jobs of Queue depth' }).click()
  await crossings.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Remove' }).click()
  await page.getByRole('button', { name: 'Set threshold of Queue depth' }).waitFor()
  expect(await page.evaluate(`localStorage.getItem('throughline.jobs.thresholds')`)).toBe('[]')
})

test('a threshold of one queue is told beside all queues, too', async () => {
  const opened = await open('#/jobs?hours=1&queue=transcode')
  const { page } = opened
  await tile(opened, 'In the window', 'Success').getByRole('button').click()
  await page.getByLabel('Warn below (%)').fill('99.5')
  await page.getByRole('button', { name: 'Keep' }).click()
  await page.getByLabel('Queue', { exact: true }).selectOption('')
  await page.getByText('All queues, the last hour').waitFor()
  await page.getByText(/transcode: Success [\d.]+ %, below 99.5 %/).waitFor()
})

test('a browser that keeps nothing, or kept nonsense, still shows the page and takes thresholds', async () => {
  const opened = await open('#/jobs?hours=1')
  const { page } = opened
  await page.evaluate(`localStorage.setItem('throughline.jobs.thresholds', '[{"figure":"depth"},{{{')`)
  await page.reload()
  await page.getByRole('heading', { name: 'Phases' }).waitFor()
  await page.evaluate(`Storage.prototype.setItem = () => { throw new Error('full') }`)
  await tile(opened, 'Now', 'Pending').getByRole('button').click()
  await page.getByLabel('Warn above (jobs)').fill('1')
  await page.getByRole('button', { name: 'Keep' }).click()
  await page.getByText('1 threshold is crossed.').waitFor()
  await page.getByText('This browser keeps no thresholds').waitFor()
})

test('a queue is picked, and stays in the address', async () => {
  const { page } = await open()
  await page.getByLabel('Queue', { exact: true }).selectOption('thumbnails')
  await page.getByText('thumbnails, the last hour').waitFor()
  expect(page.url()).toContain('queue=thumbnails')
  await page.getByRole('region', { name: 'Types of jobs' }).waitFor()
  expect(await page.getByRole('region', { name: 'Types of jobs' }).getByRole('row').count()).toBe(2)
})

test('jobs in the dark', async () => {
  await seen(await open('#/jobs?hours=1', { colorScheme: 'dark' }))
})

test('jobs on a phone', async () => {
  const opened = await open('#/jobs?hours=1', {
    viewport: { width: 375, height: 740 },
    isMobile: true,
    hasTouch: true,
  })
  await seen(opened)
  await tile(opened, 'Now', 'Queue depth').getByRole('button').tap()
  await opened.page.getByLabel('Warn above (jobs)').waitFor()
  await seen(opened)
})

test('hostile names of queues, types, errors and hosts stay names', async () => {
  await stage.write(
    hostile.flatMap((text) => [
      aJobRow({ queue: text, type: text, phases: { queued: 1, running: 2 }, startedMs: now - 50 * minute }),
      aJobRow({ queue: text, type: text, status: 'failed', error: text, startedMs: now - 50 * minute }),
      aCheckRow({ queue: text, host: text, metadata: { 'job.state': { depth: 1, [text]: text } } }),
      aCheckRow({ queue: text, host: text, error: text, startedMs: now - 1_000 }),
    ]),
  )
  const opened = await open()
  await unharmed(opened)
  for (const text of [hostile[0]!, hostile[1]!, hostile[7]!]) {
    await opened.page.getByLabel('Queue', { exact: true }).selectOption(text)
    await opened.page.getByText(`${text}, the last hour`).waitFor()
    await tile(opened, 'Now', 'Queue depth').getByRole('button').click()
    await opened.page.getByLabel('Warn above (jobs)').fill('0')
    await opened.page.getByRole('button', { name: 'Keep' }).click()
    await opened.page.getByRole('status').filter({ hasText: 'crossed' }).waitFor()
    await unharmed(opened)
  }
  const narrow = await open('#/jobs?hours=1', { viewport: { width: 375, height: 740 } })
  await unharmed(narrow)
})
