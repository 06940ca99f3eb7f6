import http from 'node:http'

const { correlation, track } = await import(process.env.CORE)

const charge = track('Billing.charge', async () => {
  await new Promise((resolve) => setImmediate(resolve))
  return correlation.id()
})
const refuse = track('Billing.refuse', async () => {
  throw new RangeError('refused')
})

/** Serves one request, made by itself: a server span, a client span and two operations in between. */
const server = http.createServer((_, response) =>
  correlation.run('order-1', async () => {
    await charge()
    await refuse().catch(() => {})
    response.end('done')
  }),
)
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
await new Promise((resolve, reject) =>
  http
    .get({ port: server.address().port, path: '/pay', host: '127.0.0.1' }, (answer) =>
      answer.resume().on('end', resolve),
    )
    .on('error', reject),
)
if (process.env.SENTRY_DSN !== undefined) {
  const Sentry = await import('@sentry/node')
  await Sentry.startSpan({ name: 'theirs' }, () => charge())
  Sentry.captureException(new Error('for Sentry'))
  await Sentry.flush(2_000)
} else {
  const { default: tracer } = await import('dd-trace')
  await tracer.trace('theirs', () => charge())
  // It sends every 100 ms.
  await new Promise((resolve) => setTimeout(resolve, 500))
}
server.close()
server.closeAllConnections()
