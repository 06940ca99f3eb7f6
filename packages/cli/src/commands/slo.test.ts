import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import type { RuleFile } from '../slo/rules.js'
import { slo } from './slo.js'

const text = `model: shop
currency: USD
operations:
  charge: {operation: Billing.charge, minutes_saved: 1}
objectives:
  charging:
    operation: Billing.charge
    success_percent: 99.9
    leave_out: [Card.Declined]
    latency: {percent: 90, within_ms: 1000}
    window_days: 7
  elsewhere: {operation: Billing.charge, service: shop, success_percent: 50}
`
let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'throughline-slo-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const model = async (content: string): Promise<string> => {
  const file = join(dir, 'value.yaml')
  await writeFile(file, content)
  return file
}

const printed = async (...args: string[]): Promise<string> => {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const error = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    expect(await slo(args)).toBe(0)
    return out.mock.calls.map(([chunk]) => String(chunk)).join('')
  } finally {
    out.mockRestore()
    error.mockRestore()
  }
}

describe('throughline slo generate', () => {
  test('prints a group of rules for each goal, with four pairs of windows', async () => {
    const { groups } = parse(await printed('generate', '--model', await model(text))) as RuleFile
    expect(groups.map(({ name }) => name)).toEqual([
      'throughline-slo-charging-success',
      'throughline-slo-charging-latency',
      'throughline-slo-elsewhere-success',
    ])
    for (const { rules } of groups) {
      const alerts = rules.filter(({ alert }) => alert !== undefined)
      expect(alerts.map(({ labels }) => [labels?.burn, labels?.window, labels?.severity])).toEqual([
        ['14.4', '1h', 'critical'],
        ['6', '6h', 'critical'],
        ['3', '1d', 'warning'],
        ['1', '3d', 'warning'],
      ])
    }
    const [success, latency, elsewhere] = groups.map(({ rules }) => JSON.stringify(rules))
    expect(success).toContain(JSON.stringify(String.raw`error_type!~"Card\\.Declined"`).slice(1, -1))
    expect(success).toContain('> 0.0144')
    expect(success).toContain('[7d:1h]')
    expect(latency).toContain(JSON.stringify(String.raw`le=~"1|1\\.0"`).slice(1, -1))
    expect(latency).not.toContain('Card')
    expect(elsewhere).toContain('service_name')
  })

  test('writes rules and a dashboard with a row for each objective', async () => {
    const [rules, dashboard] = [join(dir, 'slo.yaml'), join(dir, 'slo.json')]
    await printed('generate', '--model', await model(text), '--rules', rules, '--dashboard', dashboard)
    expect(await readFile(rules, 'utf8')).toMatch(/^# Written by throughline slo generate from value\.yaml/)
    const { panels } = JSON.parse(await readFile(dashboard, 'utf8')) as {
      panels: {
        id: number
        type: string
        title: string
        description?: string
        fieldConfig?: { defaults: { unit?: string } }
        targets?: { expr: string }[]
      }[]
    }
    expect(panels.filter(({ type }) => type === 'row').map(({ title }) => title)).toEqual([
      'charging',
      'elsewhere',
    ])
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const recorded = (parse(await readFile(rules, 'utf8')) as RuleFile).groups.flatMap(({ rules }) =>
      rules.flatMap(({ record }) => record ?? []),
    )
    for (const panel of panels.filter(({ type }) => type !== 'row')) {
      expect(panel.description, panel.title).toBeTruthy()
      expect(panel.fieldConfig?.defaults.unit, panel.title).toBeTruthy()
      for (const { expr } of panel.targets ?? [])
        expect(recorded, expr).toContain(/throughline:[\w:]+/.exec(expr)?.[0])
    }
  })

  test('refuses a latency that the histogram cannot tell, and says which it can', async () => {
    const file = await model(text.replace('within_ms: 1000', 'within_ms: 300'))
    await expect(slo(['generate', '--model', file])).rejects.toMatchObject({
      code: 'TL_USAGE',
      message: expect.stringContaining('use 250 or 500'),
    })
  })

  test('refuses a model without objectives, one that is wrong, and another word', async () => {
    const none = await model(text.slice(0, text.indexOf('objectives:')))
    for (const [args, message] of [
      [['generate', '--model', none], 'has no objectives'],
      [['generate', '--model', join(dir, 'none.yaml')], 'TL_VALUE'],
      [['make'], 'generate is needed'],
    ] as const)
      await expect(slo([...args])).rejects.toMatchObject({
        code: 'TL_USAGE',
        message: expect.stringContaining(message),
      })
  })
})
