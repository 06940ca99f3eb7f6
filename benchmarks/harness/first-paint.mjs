// How long a person waits for the console's first figures: a browser that has nothing of it, from the address to the paint.
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { spread } from './asked.mjs'
import { median } from './compare.mjs'

const budgetMs = 1_000
const times = 7
const executable = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => path !== undefined && existsSync(path),
)

/** Two frames after the figures are in the document they are on the screen. */
const painted = `new Promise((resolve) => {
  const look = () =>
    document.querySelector('dl.tiles') === null
      ? requestAnimationFrame(look)
      : requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())))
  look()
})`

export async function firstPaint({ url, size, onProgress }) {
  if (executable === undefined) {
    onProgress('no chromium: the first paint is not measured')
    return { rows: [], cases: {} }
  }
  const browser = await chromium.launch({
    executablePath: executable,
    args: ['--disable-gpu'],
    chromiumSandbox: process.getuid?.() !== 0,
  })
  const took = []
  try {
    // The first one starts the browser's own processes and does not count.
    for (let turn = -1; turn < times; turn += 1) {
      onProgress(`first paint of the console, ${size} (${turn}/${times})`)
      const context = await browser.newContext()
      const page = await context.newPage()
      await page.goto(`${url}/#/?hours=24`, { waitUntil: 'commit' })
      const ms = await page.evaluate(painted)
      if (turn >= 0) took.push(ms)
      await context.close()
    }
  } finally {
    await browser.close()
  }
  const name = `first paint of the console's figures of 24 h; ${size}`
  const ours = median(took)
  return {
    rows: [
      {
        name: `${name}, against a second`,
        unit: 'ms',
        ours,
        theirs: budgetMs,
        ratio: ours / budgetMs,
        target: 1,
        gate: 1,
      },
    ],
    cases: { [name]: spread(took) },
  }
}
