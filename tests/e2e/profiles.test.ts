import { lookups, until } from '@throughline/cli'
import { expect, test } from 'vitest'
import { counterRequest, postJson } from './support/otlp-json.js'
import { testStack } from './support/test-stack.js'

test('in the profile prometheus both kinds of metrics arrive in Prometheus', async () => {
  const stack = await testStack({ profile: 'prometheus' })
  await stack.startPrometheus()
  await stack.startCollector()
  for (const [scope, name] of [
    ['throughline.business', 'business.orders'],
    ['throughline.operations', 'calls'],
  ] as const) {
    expect((await postJson(`${stack.otlpUrl}/v1/metrics`, counterRequest(scope, name, 5))).status).toBe(200)
  }
  for (const name of ['business_orders_total', 'calls_total']) {
    await until(async () => (await lookups.prometheusQuery(stack.urls.prometheus, name))[0]?.value === 5, {
      what: `${name} in Prometheus`,
    })
  }
})

test('in the profile cloudwatch both kinds of metrics arrive at CloudWatch, signed', async () => {
  const stack = await testStack({ profile: 'cloudwatch' })
  await stack.startCloudWatch()
  await stack.startCollector()
  for (const [scope, name] of [
    ['throughline.business', 'business.orders'],
    ['throughline.operations', 'calls'],
  ] as const) {
    expect((await postJson(`${stack.otlpUrl}/v1/metrics`, counterRequest(scope, name, 5))).status).toBe(200)
  }
  for (const name of ['business.orders', 'calls']) {
    await until(
      async () =>
        (await lookups.cloudWatchPoints(stack.urls.cloudwatch)).find((point) => point.name === name)
          ?.value === 5,
      {
        what: `${name} at CloudWatch`,
      },
    )
  }
})
