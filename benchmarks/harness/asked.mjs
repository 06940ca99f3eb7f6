// What was asked over HTTP, and how long it took.
import { median } from './compare.mjs'

export async function text(url) {
  const answer = await fetch(url)
  const body = await answer.text()
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${body.slice(0, 300)}`)
  return body
}

export async function json(url) {
  return JSON.parse(await text(url))
}

export async function timed(work) {
  const began = performance.now()
  await work()
  return performance.now() - began
}

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

export function spread(values, low = 0.05, high = 0.95) {
  return { unit: 'ms', value: median(values), range: [quantile(values, low), quantile(values, high)] }
}
