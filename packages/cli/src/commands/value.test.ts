import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { useValueDatabase } from '../../../recorder/test/value-database.js'
import { value } from './value.js'

const database = useValueDatabase()
const text = `model: command
currency: USD
assumptions:
  rate: {values: [{value: 50}]}
operations:
  allocation: {operation: AllocationService.autoAllocate, minutes_saved: 4, hourly_rate: rate}
names: {monthly_cost_savings: savings}
claims: [{source: a slide, figures: {successes: 2847, monthly_cost_savings: 47500}}]
`
let dir: string
let model: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'throughline-value-'))
  model = join(dir, 'value.yaml')
  await writeFile(model, text)
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const run = async (...args: string[]): Promise<string> => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  try {
    expect(await value(args)).toBe(0)
    return stripVTControlCharacters(write.mock.calls.map(([chunk]) => String(chunk)).join(''))
  } finally {
    write.mockRestore()
  }
}
const onDatabase = (...args: string[]) => run(...args, '--model', model, '--database', database.url)

describe('throughline value', () => {
  test('check says that a model is right, and names each mistake of one that is not', async () => {
    expect(await run('check', '--model', model)).toContain('model command, 1 operation, ')
    const wrong = join(dir, 'wrong.yaml')
    await writeFile(wrong, text.replace('minutes_saved: 4', 'minutes_saved: four'))
    await expect(value(['check', '--model', wrong])).rejects.toMatchObject({
      code: 'TL_USAGE',
      message: expect.stringContaining(`${wrong}:6:74: operations.allocation.minutes_saved is "four"`),
    })
  })

  test('explain names a conflict without a database, and with one shows a figure and its SQL', async () => {
    vi.stubEnv('THROUGHLINE_DATABASE_URL', '')
    expect(await run('explain', '--model', model)).toMatch(
      /Conflict in a slide: monthly_cost_savings is claimed as 47,500/,
    )
    vi.unstubAllEnvs()
    await database.add({ day: '2026-10-05', count: 30 })
    const shown = await onDatabase('explain', 'monthly_cost_savings', '--period', '2026-10')
    expect(shown).toContain('savings = 100.00 USD  also monthly_cost_savings')
    expect(shown).toContain('allocation.successes 30  rows: 2026-10-01 to 2026-10-31')
    expect(shown).toContain('FROM throughline.operations')
    await expect(onDatabase('explain', 'luck')).rejects.toMatchObject({ code: 'TL_USAGE' })
  })

  test('report shows a month, for people and for programs', async () => {
    await database.add({ day: '2026-10-05', count: 2_847 })
    expect(await onDatabase('report', '--period', '2026-10')).toMatch(
      /^savings +9,490\.00 USD +2847 +monthly_cost_savings$/m,
    )
    const { report } = JSON.parse(await onDatabase('report', '--period', '2026-10', '--json'))
    expect(report.figures.find((figure: { name: string }) => figure.name === 'hours_saved').value).toBe(
      '189.8',
    )
  })

  test('freeze keeps a month, and report says from then on why it would differ', async () => {
    await database.add({ day: '2026-09-05', count: 30 })
    expect(await onDatabase('freeze', '2026-09')).toContain('frozen: 2026-09, revision 1')
    expect(await onDatabase('report', '--period', '2026-09')).toContain('made again today, it is the same')
    await database.add({ day: '2026-09-06', count: 15 })
    const report = await onDatabase('report', '--period', '2026-09')
    expect(report).toMatch(/^savings +100\.00 USD/m)
    expect(report).toContain('savings 100.00 → 150.00: 15 rows came late (100.00 → 150.00)')
    await expect(onDatabase('freeze', '2026-09')).rejects.toMatchObject({
      code: 'TL_USAGE',
      message: expect.stringContaining('TL_VALUE_FROZEN'),
    })
    expect(await onDatabase('freeze', '2026-09', '--again')).toContain('revision 2')
  })

  test.each([[['freeze']], [['report', 'x']], [[]], [['sell']], [['report', '--period', '2026-13']]])(
    'refuses %j',
    async (args) => {
      await expect(onDatabase(...args)).rejects.toMatchObject({ code: 'TL_USAGE' })
    },
  )
})
