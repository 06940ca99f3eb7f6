import { expect, test } from 'vitest'
import { useStage } from './support/stage.js'
import { largeStory } from './support/story-rows.js'

const stage = useStage()
const size = 10_000
stage.prepare(() => stage.write(largeStory('import-2026', size, Date.now() - 300_000)))

test('ten thousand operations of one ID are all there, and a hundred of them at most are in the document', async () => {
  const { page, complaints } = await stage.open('#/id/import-2026', 'read')
  await page.getByText('all 10,000 operations').waitFor({ timeout: 60_000 })
  const rows = page.getByRole('option')
  expect(await rows.count()).toBeLessThan(100)
  expect(await rows.first().getAttribute('aria-setsize')).toBe('10000')

  const list = page.getByRole('listbox')
  await list.focus()
  await page.keyboard.press('End')
  await page.locator('[role=option][aria-posinset="10000"][aria-selected=true]').waitFor()
  expect(await rows.count()).toBeLessThan(100)
  await page.keyboard.press('Home')
  await page.locator('[role=option][aria-posinset="1"][aria-selected=true]').waitFor()
  expect(await page.locator('[aria-posinset="1"]').textContent()).toContain('importAll')

  await page.getByLabel('Failures only (20)').check()
  await expect.poll(() => rows.first().getAttribute('aria-setsize')).toBe('20')
  expect(complaints).toEqual([])
})

test('a story that is longer comes on request', async () => {
  await stage.write(largeStory('import-longer', size + 500, Date.now() - 900_000))
  const { page } = await stage.open('#/id/import-longer', 'read')
  await page.getByText('10,000 of 10,500 are here').waitFor({ timeout: 60_000 })
  await page.getByRole('button', { name: 'Load more' }).click()
  await page.getByText('all 10,500 operations').waitFor()
})
