import { fileURLToPath } from 'node:url'
import { lookups, until } from '@throughline/cli'
import { figureOf, loadValueModel, publishValueGauges, valueReport } from '@throughline/recorder/value'
import pg from 'pg'
import { expect, test } from 'vitest'
import { startServices } from '../../examples/dyno-allocation/src/demo/services.js'
import { drive } from '../../examples/dyno-allocation/src/demo/traffic.js'
import { testStack } from './support/test-stack.js'

const file = fileURLToPath(new URL('../../examples/dyno-allocation/value.yaml', import.meta.url))

test('the cents of the report are those of its SQL and of the gauges in Prometheus', async () => {
  const stack = await testStack({ profile: 'prometheus' })
  await stack.startPrometheus()
  await stack.startCollector()
  const { url } = await startServices(stack, 'collector')
  const { answered } = await drive({ url, count: 60, prefix: 'value' })
  const allocated = answered.filter(({ status }) => status === 201).length
  const model = await loadValueModel(file)
  const pool = new pg.Pool({ connectionString: stack.databaseUrl })
  try {
    const report = await until(
      async () => {
        const made = await valueReport(pool, model)
        return figureOf(made, 'total_successful_allocations')?.value === String(allocated) && made
      },
      { what: 'all allocations in the report' },
    )
    const savings = figureOf(report, 'monthly_cost_savings')!
    expect(savings.value).toBe((Math.round((allocated * 4 * 50 * 100) / 60) / 100).toFixed(2))
    for (const { name, sql, value } of report.figures) {
      const types = { getTypeParser: () => String }
      const { rows } = await pool.query({ text: sql, rowMode: 'array', types })
      expect(rows[0]?.[0], name).toBe(value)
    }
    await publishValueGauges(report, { url: `${stack.otlpUrl}/v1/metrics` })
    for (const name of Object.keys(report.names)) {
      const { value } = figureOf(report, name)!
      if (value === null) continue
      const [found] = await until(
        async () => {
          const series = await lookups.prometheusQuery(stack.urls.prometheus, `business_${name}`)
          return series.length > 0 && series
        },
        { what: `business_${name} in Prometheus` },
      )
      expect(found?.value, name).toBe(Number(value))
    }
  } finally {
    await pool.end()
  }
})
