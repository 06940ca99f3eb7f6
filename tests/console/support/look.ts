import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const kept = fileURLToPath(new URL('../../../docs/console/', import.meta.url))
const maxBytes = 150_000

/**
 * A picture of what can be seen. With SCREENSHOTS=1 it replaces the one in docs/console; else it goes to a temporary
 * folder: its times differ on each run, and a test run leaves the repository as it was.
 */
export const shot = async (page: Page, name: string): Promise<void> => {
  const picture = await page.screenshot()
  expect(picture.length).toBeLessThan(maxBytes)
  const file = join(kept, `${name}.png`)
  const replaces = process.env.SCREENSHOTS === '1' || !existsSync(file)
  const folder = replaces ? kept : join(tmpdir(), 'throughline-console')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name}.png`), picture)
}

/** What axe finds, of the impacts that keep somebody out. */
export const seriousFindings = async (page: Page): Promise<string[]> => {
  await page.evaluate(axe.source)
  const { violations } = (await page.evaluate('axe.run(document)')) as axe.AxeResults
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`,
    )
}

/** What makes the page wider than the window: nobody should have to scroll sideways. */
export const overflow = (page: Page): Promise<string[]> =>
  page.evaluate(`document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')]
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && one.closest('.scroll, .rows, .segments, nav') === null)
    .map((one) => \`\${one.tagName} \${one.className} \${one.textContent.slice(0, 40)}\`)`) as Promise<
    string[]
  >

/** What the keyboard is at: its label or text. */
export const focused = (page: Page): Promise<string> =>
  page.evaluate(
    '(document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "").trim()',
  ) as Promise<string>
