import { expect, test } from 'vitest'
import { useStage } from './support/stage.js'

const stage = useStage({ auth: 'off', valueModel: '', jaegerUrl: '', prometheusUrl: '' })

test('a recorder whose auth is off asks for no token', async () => {
  const { page, complaints } = await stage.open('')
  await page.getByText('no login').waitFor()
  expect(await page.getByRole('button', { name: 'Sign out' }).count()).toBe(0)
  expect(complaints).toEqual([])
})

// Nothing has been stored here, and there is no value model.
for (const [hash, says] of [
  ['', 'No operation in the last 24 hours'],
  ['#/?service=nobody', 'Nothing of the service nobody'],
  ['#/operation?operation=never', 'It did not run in the last 24 hours'],
  ['#/id', 'No operation in the last 24 hours'],
  ['#/id/none', 'Nothing has this ID'],
  ['#/value', 'No value model yet'],
  ['#/jobs', 'No job in the last 24 hours'],
  ['#/jobs?queue=nobody', 'Nothing of the queue nobody'],
  ['#/health', 'No process has delivered in the last 24 hours'],
  ['#/nowhere', 'There is no such page'],
] as const)
  test(`with nothing there, ${hash || 'the overview'} says what to do`, async () => {
    const { page, complaints } = await stage.open(hash)
    await page.getByText(says).first().waitFor()
    expect(complaints).toEqual([])
  })

test('the page, its script and its style come under a policy that takes nothing else, packed and cached', async () => {
  const page = await fetch(stage.url)
  const policy = page.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'")
  expect(policy).not.toMatch(/unsafe|\*|https?:|data:/)
  expect(page.headers.get('cache-control')).toBe('no-cache')
  expect(page.headers.get('content-encoding')).toBe('gzip')
  const again = await fetch(stage.url, { headers: { 'if-none-match': page.headers.get('etag')! } })
  expect(again.status).toBe(304)

  const text = await page.text()
  const assets = [...text.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, path]) => path!)
  expect(assets.length).toBeGreaterThanOrEqual(3)
  expect(text).not.toMatch(/<script(?![^>]* src=)|<style|style="/)
  let scripts = 0
  for (const path of assets) {
    const asset = await fetch(`${stage.url}/${path}`)
    expect(asset.status).toBe(200)
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(asset.headers.get('x-content-type-options')).toBe('nosniff')
    if (path.endsWith('.js')) scripts += (await asset.arrayBuffer()).byteLength
  }
  expect(scripts).toBeGreaterThan(10_000)
  expect(scripts).toBeLessThan(200_000)
})

test('there are no other files', async () => {
  for (const path of [
    '/assets/nothing.js',
    '/assets/..%2findex.html',
    '/assets/%2e%2e%2f%2e%2e%2fmain.js',
    '/index.html',
  ])
    expect((await fetch(`${stage.url}${path}`)).status).toBe(404)
})

test('without gzip it is served plain', async () => {
  const { get } = await import('node:http')
  const encoding = await new Promise((resolve, reject) => {
    get(stage.url, { headers: { 'accept-encoding': 'identity' } }, (answer) => {
      answer.resume()
      resolve(answer.headers['content-encoding'])
    }).on('error', reject)
  })
  expect(encoding).toBeUndefined()
})
