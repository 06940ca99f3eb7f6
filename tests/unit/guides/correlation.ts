import { createServer } from 'node:http'
import { correlation, track } from '@throughline/core'

const identify = correlation.middleware({ user: (request) => request.headers['x-user']?.toString() })
export const server = createServer((request, response) => {
  identify(request, response, () => response.end(`this is ${correlation.id()}`))
})

export const nightly = track('Reports.nightly', async () => correlation.id())
export const runNightly = () => correlation.run({ id: 'nightly-2026-11-21', user: 'scheduler' }, nightly)

export const sent: { headers: Record<string, string>; body: string }[] = []
export const place = track('Orders.place', async (body: string) => {
  sent.push({ headers: correlation.inject({}), body })
})
const ship = track('Orders.ship', async (_body: string) => correlation.id())
export const onMessage = (message: { headers: Record<string, string>; body: string }) =>
  correlation.extract(message.headers, () => ship(message.body))

const waiting: (() => void)[] = []
export const whenFree = (callback: () => void) => waiting.push(correlation.bind(callback))
export const release = () => waiting.shift()?.()
