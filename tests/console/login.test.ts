import { expect, test } from 'vitest'
import { focused, overflow, seriousFindings, shot } from './support/look.js'
import { useStage } from './support/stage.js'
import { exampleRows } from './support/story-rows.js'

const stage = useStage()
stage.prepare(() => stage.write(exampleRows(Date.now(), 3)))

const token = 'Access token'

test('a token of role read opens the console, and stays in this tab alone', async () => {
  const opened = await stage.open('#/health')
  const { page } = opened
  await page.getByLabel(token).waitFor()
  expect(await seriousFindings(page)).toEqual([])
  await shot(page, 'login')
  const { secret } = await stage.token('read')
  await page.getByLabel(token).fill(`  ${secret}\n`)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Health' }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Health' }).waitFor()
  expect(await page.context().cookies()).toEqual([])
  expect(await page.evaluate('JSON.stringify(localStorage)')).toBe('{}')
  expect(page.url()).not.toContain(secret)
  const other = await page.context().newPage()
  await other.goto(stage.url)
  await other.getByLabel(token).waitFor()
  expect(opened.complaints).toEqual([])
})

test('a token that is not known, one that may only send, and none at all are refused with the way out', async () => {
  const { page } = await stage.open('')
  const enter = async (text: string): Promise<void> => {
    await page.getByLabel(token).fill(text)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
  await enter('')
  await page.getByText('Paste a token first.').waitFor()
  await enter(`tl_read_${'x'.repeat(43)}`)
  await page.getByText('does not know this token').waitFor()
  const { secret } = await stage.token('ingest')
  // A new token is known within a second.
  await expect
    .poll(
      async () => {
        await enter(secret)
        await page.getByRole('button', { name: 'Sign in' }).waitFor()
        return page.getByRole('alert').textContent()
      },
      { timeout: 15_000, interval: 500 },
    )
    .toContain('may send records, not read them')
  expect(await page.evaluate('JSON.stringify(sessionStorage)')).toBe('{}')
})

test('a token that is revoked takes everything from the screen; the next one leads back to the same page', async () => {
  const { id, secret } = await stage.token('read')
  const { page } = await stage.open('#/?hours=0.25')
  await page.getByLabel(token).fill(secret)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await stage.revoke(id)
  await page.getByText('Your token is not valid any more').waitFor()
  expect(await page.getByRole('heading', { name: 'Overview' }).count()).toBe(0)
  expect(await page.evaluate('JSON.stringify(sessionStorage)')).toBe('{}')
  const next = await stage.token('admin')
  await page.getByLabel(token).fill(next.secret)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('the last 15 minutes').first().waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel(token).waitFor()
})

test('a link brings its token behind the #: it signs in, and the token leaves the address at once', async () => {
  const { secret } = await stage.token('read')
  const opened = await stage.open(`#/health?token=${secret}&x=1`)
  const { page } = opened
  await page.getByRole('heading', { name: 'Health' }).waitFor()
  expect(page.url()).toBe(`${stage.url}/#/health?x=1`)
  expect(await page.evaluate('history.length')).toBe(2)
  await page.reload()
  await page.getByRole('heading', { name: 'Health' }).waitFor()
  expect(await page.evaluate('document.documentElement.outerHTML')).not.toContain(secret)

  // A tab that is open already loads nothing anew.
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel(token).waitFor()
  await page.goto(`${stage.url}/#/?token=${secret}`)
  await page.getByRole('heading', { name: 'Slowest' }).waitFor()
  expect(page.url()).toBe(`${stage.url}/#/`)
  expect(opened.complaints).toEqual([])
})

test('a link whose token is over leads to the login, or changes nothing where somebody is signed in', async () => {
  const old = await stage.token('read')
  await stage.revoke(old.id)
  const { page } = await stage.open(`#/health?token=${old.secret}`)
  await page.getByText('The token of this link is not valid').waitFor()
  expect(page.url()).toBe(`${stage.url}/#/health`)
  const { secret } = await stage.token('read')
  await page.getByLabel(token).fill(secret)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Health' }).waitFor()
  await page.goto(`${stage.url}/#/health?token=${old.secret}`)
  await expect.poll(() => page.url()).toBe(`${stage.url}/#/health`)
  await page.goto(`${stage.url}/?again#/health?token=${old.secret}`)
  await page.getByRole('heading', { name: 'Health' }).waitFor()
  await page.goto(`${stage.url}/#/health?token=<img src=x onerror=alert(1)>`)
  await expect.poll(() => page.url()).toBe(`${stage.url}/#/health`)
})

test('everything is reached by the keyboard', async () => {
  const { page } = await stage.open('')
  const { secret } = await stage.token('read')
  await page.getByLabel(token).waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.type(secret)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Slowest' }).waitFor()

  await page.keyboard.press('Tab')
  expect(await focused(page)).toBe('Skip to content')
  await page.keyboard.press('Enter')
  expect(await page.evaluate('document.activeElement.id')).toBe('content')

  await page.keyboard.press('/')
  expect(await focused(page)).toBe('Find a correlation ID, trace ID or user')
  await page.keyboard.type('order-4000')
  await page.keyboard.press('Enter')
  await page.getByRole('option').first().waitFor()
  await page.getByRole('listbox').focus()
  await page.keyboard.press('End')
  const last = page.getByRole('option').last()
  await expect.poll(() => last.getAttribute('aria-selected')).toBe('true')
  expect(await page.getByRole('listbox').getAttribute('aria-activedescendant')).toBe(
    await last.getAttribute('id'),
  )

  await page.getByRole('link', { name: 'Value', exact: true }).focus()
  await page.keyboard.press('Enter')
  const figure = page.getByRole('button', { name: /^Hours saved/ }).first()
  await figure.focus()
  await page.keyboard.press('Enter')
  await expect.poll(() => figure.getAttribute('aria-expanded')).toBe('true')
})

test('the login fits a phone', async () => {
  const { page } = await stage.open('', undefined, { viewport: { width: 320, height: 600 } })
  await page.getByLabel(token).waitFor()
  expect(await overflow(page)).toEqual([])
})
