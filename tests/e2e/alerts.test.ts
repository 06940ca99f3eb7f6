import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Stack, until } from '@throughline/cli'
import pg from 'pg'
import { expect, test } from 'vitest'
import { startServices } from '../../examples/dyno-allocation/src/demo/services.js'
import { allocateOnce } from '../../examples/dyno-allocation/src/demo/traffic.js'
import { atEnd, testStack } from './support/test-stack.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Alert {
  state: 'pending' | 'firing'
  labels: Record<string, string>
  annotations: Record<string, string>
}

/** The rules as they are, but evaluated each second and firing at once: the waiting is for people, and promtool tests it. */
async function quickRules(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-rules-'))
  atEnd(() => rm(folder, { recursive: true, force: true }))
  const source = join(root, 'deploy/prometheus')
  mkdirSync(join(folder, 'rules'))
  for (const file of readdirSync(source).filter((name) => name.endsWith('.yaml')))
    writeFileSync(
      join(folder, 'rules', file),
      readFileSync(join(source, file), 'utf8')
        .replace(/^( +interval: ).*$/gm, '$11s')
        .replace(/^( +for: ).*$/gm, '$12s'),
    )
  return join(folder, 'rules', '*.yaml')
}

async function alertsOf(stack: Stack): Promise<Alert[]> {
  const answer = await fetch(`${stack.urls.prometheus}/api/v1/alerts`)
  const { data } = (await answer.json()) as { data: { alerts: Alert[] } }
  return data.alerts
}

async function failuresOf(stack: Stack): Promise<string[]> {
  const answer = await fetch(`${stack.urls.prometheus}/api/v1/rules`)
  const { data } = (await answer.json()) as {
    data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] }
  }
  const rules = data.groups.flatMap((group) => group.rules)
  expect(rules.length).toBeGreaterThan(40)
  return rules.filter(({ health }) => health === 'err').map(({ name, lastError }) => `${name}: ${lastError}`)
}

test('a dependency of the example goes away, and the alert that fires leads to the operation that needs it', async () => {
  const stack = await testStack({ profile: 'prometheus', ruleFiles: [await quickRules()] })
  await Promise.all([stack.startPrometheus(), stack.startCollector()])
  const services = await startServices(stack, 'collector')
  const traffic = new AbortController()
  const answers: number[] = []
  let week = 0
  const driving = (async () => {
    while (!traffic.signal.aborted) {
      week += 1
      answers.push((await allocateOnce(services.url, `alerts-${week}`, week)).status)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })()
  const operation = {
    service_name: 'allocation',
    operation_service: 'AllocationService',
    operation_name: 'autoAllocate',
  }
  const named = (alerts: Alert[], name: string) => alerts.filter(({ labels }) => labels.alertname === name)
  try {
    await until(
      async () => {
        const query = encodeURIComponent('throughline:operations:rate5m{operation_name="autoAllocate"} > 0')
        const answer = await fetch(`${stack.urls.prometheus}/api/v1/query?query=${query}`)
        return ((await answer.json()) as { data: { result: unknown[] } }).data.result.length > 0
      },
      { what: 'the rate of the operation in Prometheus' },
    )
    await until(async () => (await alertsOf(stack)).every(({ labels }) => labels.severity !== 'critical'), {
      what: 'no critical alert while all is well',
    })
    expect(named(await alertsOf(stack), 'ThroughlineOperationFailing')).toEqual([])
    expect(await failuresOf(stack)).toEqual([])
    const good = answers.length

    await services.catalogue.kill('SIGKILL')
    const alert = await until(
      async () =>
        named(await alertsOf(stack), 'ThroughlineOperationFailing').find(({ state }) => state === 'firing'),
      { what: 'ThroughlineOperationFailing', deadlineMs: 60_000 },
    )
    expect(answers.slice(0, good - 1).every((status) => status === 201)).toBe(true)
    expect(alert.labels).toEqual({
      alertname: 'ThroughlineOperationFailing',
      severity: 'critical',
      ...operation,
    })
    expect(alert.annotations.summary).toMatch(
      /^AllocationService\.autoAllocate of allocation fails \d.*% of its calls$/,
    )
    expect(alert.annotations.description).toContain(
      'throughline tail --service allocation --operation AllocationService.autoAllocate --failed',
    )
    expect(readFileSync(join(root, alert.annotations.runbook_url!), 'utf8')).toContain(
      'ThroughlineOperationFailing',
    )
    expect(await failuresOf(stack)).toEqual([])
  } finally {
    traffic.abort()
    await driving
  }
  await runbookQueries(stack)
})

/** Every query that a runbook has somebody type in the night. */
async function runbookQueries(stack: Stack): Promise<void> {
  const folder = join(root, 'docs/runbooks')
  const client = new pg.Client({ connectionString: stack.databaseUrl })
  await client.connect()
  let asked = 0
  try {
    for (const file of readdirSync(folder)) {
      const page = readFileSync(join(folder, file), 'utf8')
      for (const [, sql = ''] of page.matchAll(/^psql .* -c "(.*)"$/gm)) {
        await expect(client.query(sql), `${file}: ${sql}`).resolves.toBeDefined()
        asked += 1
      }
      for (const [, query = ''] of page.matchAll(/--data-urlencode 'query=(.*)'$/gm)) {
        const body = new URLSearchParams({ query })
        const answer = await fetch(`${stack.urls.prometheus}/api/v1/query`, { method: 'POST', body })
        expect(answer.status, `${file}: ${query}`).toBe(200)
        asked += 1
      }
      for (const [, path = ''] of page.matchAll(/"\$THROUGHLINE_RECORDER_URL([^"]*)"/g)) {
        const headers = { authorization: `Bearer ${stack.tokens.read}` }
        const answer = await fetch(`${stack.recorderUrl}${path}`, { headers })
        expect(answer.status, `${file}: ${path}`).toBe(200)
        asked += 1
      }
    }
  } finally {
    await client.end()
  }
  expect(asked).toBeGreaterThan(50)
}
