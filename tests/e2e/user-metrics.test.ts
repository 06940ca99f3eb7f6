import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { lookups, until } from '@throughline/cli'
import { expect, test } from 'vitest'
import { testStack } from './support/test-stack.js'

const register = pathToFileURL(createRequire(import.meta.url).resolve('@throughline/sdk/register')).href
const program = fileURLToPath(new URL('./support/gauge-program.mjs', import.meta.url))

test("a gauge of the user's own that is not a number holds no other metric back", async () => {
  const stack = await testStack()
  await stack.startPrometheus()
  await stack.startCollector()
  await promisify(execFile)(process.execPath, ['--import', register, program], {
    env: {
      PATH: process.env.PATH,
      OTEL_SERVICE_NAME: 'tank',
      OTEL_EXPORTER_OTLP_ENDPOINT: stack.otlpUrl,
      THROUGHLINE_SPOOL_DIR: `${stack.dir}/spool`,
    },
  })
  const [sample] = await until(
    async () => {
      const samples = await lookups.prometheusQuery(stack.urls.prometheus, 'tank_readings_total')
      return samples.length > 0 ? samples : undefined
    },
    { what: 'the counter beside the gauge, in Prometheus' },
  )
  expect(sample?.value).toBe(3)
})
