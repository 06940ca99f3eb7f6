import { expect, test } from 'vitest'
import { aSpan } from '../../packages/recorder/test/requests.js'
import { hostile, unharmed } from './support/hostile.js'
import { useStage } from './support/stage.js'
import { exampleRows } from './support/story-rows.js'

const stage = useStage()

stage.prepare(async () => {
  const [row] = exampleRows(Date.now(), 1)
  const startedMs = Date.now() - 120_000
  await stage.write(
    hostile.flatMap((text, at) =>
      [true, false].map((success, second) => ({
        ...row!,
        startedAtUs: BigInt(startedMs + at * 100 + second) * 1_000n,
        traceId: `${at}${second}`.padStart(32, 'e'),
        spanId: `${at}${second}`.padStart(16, 'e'),
        parentSpanId: null,
        correlationId: text,
        service: text,
        serviceVersion: text,
        operationService: text,
        operation: text,
        userId: text,
        success,
        errorType: success ? null : text,
        errorMessage: success ? null : text,
        errorStack: success ? null : `${text}\n    at ${text}`,
        metadata: JSON.stringify({ [text]: [text, { [text]: text }] }),
        business: JSON.stringify([
          { name: text, labels: { [text]: text, currency: text.slice(0, 20) }, value: '1.00' },
        ]),
      })),
    ),
  )
  for (const text of hostile)
    await stage.pool.query(
      `INSERT INTO throughline.instances (instance, service, version, host, started_at, stopped_at, stop_reason)
       VALUES (gen_random_uuid(), $1, $1, $1, now(), now(), $1)`,
      [text.replaceAll('\0', '')],
    )
  await stage.pool.query(
    'INSERT INTO throughline.delivered (instance, lo, hi, received) SELECT instance, 1, 5, 5 FROM throughline.instances',
  )
  await stage.send(
    hostile.map((text) =>
      aSpan({
        name: text,
        startTimeUnixNano: BigInt(Date.now() - 200 * 86_400_000) * 1_000_000n,
        attributes: { 'correlation.id': text, 'user.id': text },
      }),
    ),
  )
  await stage.pool.query('UPDATE throughline.dead_letter SET reason = $1', [hostile[0]])
})

test('the overview shows hostile names as names', async () => {
  const opened = await stage.open('', 'admin')
  await opened.page.getByRole('row').getByText(hostile[0]!).first().waitFor()
  await unharmed(opened)
  await opened.page.getByLabel('Service').selectOption(hostile[1]!)
  await opened.page.getByText(`${hostile[1]}, the last 24 hours`).waitFor()
  await unharmed(opened)
})

test('so do health and its dead letters', async () => {
  const opened = await stage.open('#/health', 'admin')
  await opened.page.getByRole('heading', { name: 'Dead letters' }).waitFor()
  const letter = opened.page.locator('.letters').getByRole('button', { expanded: false }).first()
  await letter.click()
  await opened.page.locator('.letters pre').waitFor()
  await unharmed(opened)
})

for (const [at, text] of hostile.entries()) {
  test(`the story of the hostile ID ${at} is shown, and its operation`, async () => {
    const opened = await stage.open(`#/id/${encodeURIComponent(text)}`, 'read', {
      viewport: { width: 375, height: 740 },
    })
    const { page } = opened
    const rows = page.getByRole('option')
    await rows.first().waitFor()
    expect(await rows.count()).toBe(2)
    const detail = page.getByRole('complementary', { name: 'Operation' })
    await detail.getByText('Stack').click()
    await unharmed(opened)
    await detail.getByRole('heading').getByRole('link').click()
    await page.getByRole('heading', { name: 'Last failures' }).waitFor()
    await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' })
    await unharmed(opened)
  })
}

test('hostile addresses do nothing', async () => {
  const opened = await stage.open('', 'read')
  const { page } = opened
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  for (const text of hostile)
    for (const hash of [
      `#/${text}`,
      `#/value?period=${text}`,
      `#/operation?operation=${text}&hours=${text}`,
      `#/?from=${text}&until=${text}&service=${text}`,
    ]) {
      await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
      await page.getByRole('main').getByRole('heading').first().waitFor()
      await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' })
      await unharmed(opened)
    }
})

test('the browser itself refuses inline scripts, markup from texts, and other hosts', async () => {
  const { page } = await stage.open('', 'read')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  const tried = (code: string): Promise<unknown> =>
    page.evaluate(
      `(async () => { await new Promise((go) => setTimeout(go)); try { ${code}; return 'allowed' } catch (error) { return error.name } })()`,
    )
  expect(await tried(`document.body.innerHTML = '<b>x</b>'`)).toBe('TypeError')
  expect(await tried(`document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=1>')`)).toBe(
    'TypeError',
  )
  expect(await tried(`await fetch('http://127.0.0.1:1/')`)).toBe('TypeError')
  expect(await tried(`new Function('window.attacked = 1')()`)).toMatch(/Error$/)
  expect(await tried(`document.createElement('b').setAttribute('onclick', 'window.attacked = 1')`)).toBe(
    'TypeError',
  )
  expect(await tried(`document.createElement('script').text = 'window.attacked = 1'`)).toBe('TypeError')
  expect(await page.evaluate('window.attacked')).toBeUndefined()
})
