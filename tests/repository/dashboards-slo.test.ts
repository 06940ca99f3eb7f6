import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { ensureBinary } from '../../packages/cli/src/binaries/ensure.js'
import { slo } from '../../packages/cli/src/commands/slo.js'
import { BOUNDS } from '../../packages/cli/src/slo/goals.js'
import { burns } from '../../packages/cli/src/slo/windows.js'
import { DURATION_BOUNDS } from '../../packages/sdk/src/metrics/buckets.js'
import { read, root } from './workspace.js'

/*
 * The objective of the example: 99.5 % of AllocationService.autoAllocate succeed, two types of errors left out, 95 % take at most 250 ms. So at
 * most 0.5 % may fail and 5 % be slower: 14.4 times that are 7.2 % and 72 %, 6 times 3 % and 30 %, 3 times 1.5 % and 15 %.
 */
const series = (more: string): string =>
  `throughline_operation_duration_seconds_${more.replace('{', '{service_name="allocation",operation_service="AllocationService",operation_name="autoAllocate",')}`
const succeeded = series('count{outcome="success"}')
const failed = (type: string): string => series(`count{outcome="failure",error_type="${type}"}`)

interface Case {
  name: string
  interval: string
  input: Record<string, string>
  /** Which alerts fire when: `success 14.4`. */
  fires: Record<string, string[]>
  values?: { at: string; expr: string; value: number; labels: string }[]
}

const labels = (goal: string): string =>
  `slo="allocation",goal="${goal}",operation_service="AllocationService",operation_name="autoAllocate"`

const cases: Case[] = [
  {
    name: 'one call in ten fails',
    interval: '1m',
    input: { [succeeded]: '0+54x120', [failed('TypeError')]: '0+6x120' },
    fires: { '70m': ['success 1', 'success 14.4', 'success 3', 'success 6'] },
    values: [
      {
        at: '2h',
        expr: 'throughline:slo_budget_left:ratio{goal="success"}',
        labels: `throughline:slo_budget_left:ratio{${labels('success')}}`,
        value: -19,
      },
      {
        at: '2h',
        expr: 'throughline:slo_objective:ratio{goal="success"}',
        labels: `throughline:slo_objective:ratio{${labels('success')}}`,
        value: 0.995,
      },
    ],
  },
  {
    name: 'one call in five has an answer that is left out',
    interval: '1m',
    input: {
      [succeeded]: '0+48x120',
      [failed('NoDynoAvailable')]: '0+6x120',
      [failed('UnknownVehicle')]: '0+6x120',
    },
    fires: { '70m': [], '2h': [] },
    values: [
      {
        at: '2h',
        expr: 'throughline:slo_budget_left:ratio{goal="success"}',
        labels: `throughline:slo_budget_left:ratio{${labels('success')}}`,
        value: 1,
      },
    ],
  },
  {
    name: 'an hour of failures is over',
    interval: '1m',
    input: { [succeeded]: '0+54x60 3300+60x60', [failed('TypeError')]: '0+6x60 366x60' },
    // The short windows end the alerts as soon as it is over: five minutes after, thirty minutes after.
    fires: {
      '60m': ['success 1', 'success 14.4', 'success 3', 'success 6'],
      '67m': ['success 1', 'success 3', 'success 6'],
      '100m': ['success 1', 'success 3'],
    },
  },
  {
    name: 'of a few calls at night four fail',
    interval: '1m',
    input: { [succeeded]: '0+1x5 5x60', [failed('TypeError')]: '0+1x4 4x60' },
    fires: { '10m': [], '60m': [] },
  },
  {
    name: 'four calls in ten take longer than 250 ms',
    interval: '5m',
    input: {
      [succeeded]: '0+300x100',
      [series('bucket{outcome="success",le="0.25"}')]: '0+180x100',
      [series('bucket{outcome="success",le="0.5"}')]: '0+300x100',
    },
    fires: { '6h30m': ['latency 1', 'latency 3', 'latency 6'] },
  },
  {
    name: 'eight calls in a thousand fail, for days',
    interval: '10m',
    input: { [succeeded]: '0+992x500', [failed('TypeError')]: '0+8x500' },
    fires: { '3d': ['success 1'] },
  },
]

let dir: string
let promtool: string
beforeAll(async () => {
  promtool = await ensureBinary('promtool')
  dir = await mkdtemp(join(tmpdir(), 'throughline-slo-'))
  const model = join(root, 'examples/dyno-allocation/value.yaml')
  expect(await slo(['generate', '--model', model, '--rules', join(dir, 'slo.yaml')])).toBe(0)
}, 900_000)
afterAll(() => rm(dir, { recursive: true, force: true }))

const run = (...args: string[]) => promisify(execFile)(promtool, args, { cwd: dir })

test('the bounds that a latency may have are those of the histogram, and the guide has them', () => {
  expect(BOUNDS).toEqual(DURATION_BOUNDS)
  expect(read('docs/guides/slo.md')).toContain(
    `: ${BOUNDS.map((bound) => bound * 1_000).join(', ')}; another is refused`,
  )
})

test('Prometheus takes the rules that are made of the objectives of the example', async () => {
  await run('check', 'rules', 'slo.yaml')
})

describe('an error budget', () => {
  test.each(cases)('alerts as it should when $name', async (one) => {
    const file = `${cases.indexOf(one)}.yaml`
    await writeFile(
      join(dir, file),
      stringify({
        rule_files: ['slo.yaml'],
        evaluation_interval: one.interval,
        fuzzy_compare: true,
        tests: [
          {
            interval: one.interval,
            input_series: Object.entries(one.input).map(([name, values]) => ({ series: name, values })),
            promql_expr_test: [
              ...Object.entries(one.fires).map(([at, firing]) => ({
                expr: 'count by (goal, burn) (ALERTS{alertname="ThroughlineErrorBudgetBurn",alertstate="firing"})',
                eval_time: at,
                exp_samples: firing.map((alert) => {
                  const [goal, burn] = alert.split(' ')
                  return { labels: `{goal="${goal}",burn="${burn}"}`, value: 1 }
                }),
              })),
              ...(one.values ?? []).map(({ at, expr, value, labels }) => ({
                expr,
                eval_time: at,
                exp_samples: [{ labels, value }],
              })),
            ],
          },
        ],
      }),
    )
    await run('test', 'rules', file)
  })

  test('is written of in a guide that the alerts lead to', () => {
    const guide = read('docs/guides/slo.md')
    expect(guide).toContain('## When it burns')
    const [, shown = ''] = /```yaml\n([\s\S]*?)```/.exec(guide) ?? []
    const example = parse(read('examples/dyno-allocation/value.yaml')) as { objectives: unknown }
    expect(parse(shown)).toEqual({ objectives: example.objectives })
    const rows = [...guide.matchAll(/^\| `(\w+)` \| ([\d.]+) \| (\d+) (\w+?)s?, (\d+) (\w+?)s? \|/gm)]
    expect(
      rows.map(([, severity, times, long, longUnit, short, shortUnit]) => ({
        severity,
        times: Number(times),
        long: `${long}${longUnit![0]}`,
        short: `${short}${shortUnit![0]}`,
      })),
    ).toEqual(burns)
    for (const metric of ['throughline:slo_missed:ratio_rate', 'throughline:slo_budget_left:ratio'])
      expect(guide).toContain(metric)
  })
})
