import { expect, test } from 'vitest'
import { type TestServer, testServer } from '../support/postgres.js'
import { useStage } from './support/stage.js'
import { exampleRows } from './support/story-rows.js'

let server: TestServer
const stage = useStage({ queryTimeoutMs: 2_000, connectTimeoutMs: 1_000 }, async () => {
  server = await testServer()
  return server
})
stage.prepare(() => stage.write(exampleRows(Date.now(), 3)))

test('while Postgres is away each page says so, keeps what it has, and goes on by itself', async () => {
  const overview = await stage.open('#/?hours=6', 'read')
  await overview.page.getByRole('heading', { name: 'Slowest' }).waitFor()
  const health = await stage.open('#/health', 'read')
  await health.page.getByText('Everything arrives').or(health.page.getByText('Something')).first().waitFor()

  await server.stop()
  await overview.page.getByLabel('Service').selectOption('catalogue')
  const failure = overview.page.getByRole('alert')
  await failure.getByText('The recorder cannot answer now.').waitFor()
  await health.page.locator('.hop.down').getByText('Postgres').waitFor({ timeout: 30_000 })
  expect(await health.page.getByText('Something is down').count()).toBe(1)

  await server.start()
  await health.page.locator('.hop:not(.down)').getByText('Postgres').waitFor({ timeout: 30_000 })
  await expect
    .poll(
      async () => {
        const again = overview.page.getByRole('button', { name: 'Try again' })
        if (await again.isVisible()) await again.click()
        return overview.page.getByRole('heading', { name: 'Slowest' }).count()
      },
      { timeout: 30_000, interval: 1_000 },
    )
    .toBe(1)
  expect([...overview.complaints, ...health.complaints]).toEqual([])
})
