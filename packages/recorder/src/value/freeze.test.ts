import { eraseUser } from '@throughline/postgres/erase'
import { expect, test } from 'vitest'
import { useValueDatabase } from '../../test/value-database.js'
import { compareFrozen, freeze } from './freeze.js'
import { parseValueModel } from './parse.js'

const database = useValueDatabase()
const now = new Date('2026-11-22T09:30:10Z')
let models = 0

/** Each test has a model of its own: frozen reports stay. */
const modelOf = (changes: (text: string) => string = (text) => text, fresh = true) => {
  if (fresh) models += 1
  return parseValueModel(
    changes(`model: test-${models}
currency: USD
assumptions:
  rate: {values: [{value: 50}]}
operations:
  allocation: {operation: AllocationService.autoAllocate, minutes_saved: 4, hourly_rate: rate}
`),
  )
}

test('a frozen report keeps its inputs and results, and is the same when it is made again', async () => {
  await database.add({ day: '2026-10-05', count: 2_847 })
  const model = modelOf()
  const frozen = await freeze(database.pool, model, { period: '2026-10', now })
  expect(frozen).toMatchObject({
    revision: 1,
    period: '2026-10',
    modelText: model.text,
    modelSha256: model.sha256,
  })
  expect(frozen.report.figures.find(({ name }) => name === 'savings')).toMatchObject({
    value: '9490.00',
    rows: 2847,
    inputs: [{ value: '2847' }, { value: '4' }, { value: '50' }],
  })
  const compared = await compareFrozen(database.pool, model, { period: '2026-10', now })
  expect(compared?.differences).toEqual([])
  expect(compared?.frozen.report).toEqual(JSON.parse(JSON.stringify(frozen.report)))
})

test('rows that came late are named as the reason, with how many and what they changed', async () => {
  await database.add({ day: '2026-10-05', count: 30 })
  const model = modelOf()
  await freeze(database.pool, model, { period: '2026-10', now })
  await database.add({ day: '2026-10-31', count: 15 })
  const compared = await compareFrozen(database.pool, model, { period: '2026-10', now })
  expect(compared?.differences.find(({ figure }) => figure === 'savings')).toEqual({
    figure: 'savings',
    frozen: '100.00',
    now: '150.00',
    reasons: [{ kind: 'late_rows', rows: 15, from: '100.00', to: '150.00' }],
  })
})

test('rows that were erased are missing from the report of today, which says so; the frozen one stays', async () => {
  const model = modelOf()
  await database.add({ day: '2026-10-12', count: 30, users: 3 })
  await freeze(database.pool, model, { period: '2026-10', now })
  await eraseUser(database.pool, 'user-1')
  const compared = await compareFrozen(database.pool, model, { period: '2026-10', now })
  expect(compared?.differences.flatMap(({ reasons }) => reasons)).toContainEqual(
    expect.objectContaining({ kind: 'missing_rows', rows: 10 }),
  )
  const said = '10 rows of these days were erased (throughline erase) and are in no figure'
  expect(compared?.now.warnings).toContain(said)
  expect(compared?.frozen.report.warnings).not.toContain(said)
  await database.pool.query('TRUNCATE throughline.erased')
})

test('a corrected assumption is named, apart from what late rows changed', async () => {
  await database.add({ day: '2026-10-05', count: 30 })
  await freeze(database.pool, modelOf(), { period: '2026-10', now })
  await database.add({ day: '2026-10-31', count: 15 })
  const corrected = modelOf((text) => `# a line more\n${text.replace('value: 50', 'value: 60')}`, false)
  const compared = await compareFrozen(database.pool, corrected, { period: '2026-10', now })
  expect(compared?.frozen.report.figures.find(({ name }) => name === 'savings')?.value).toBe('100.00')
  expect(compared?.differences.find(({ figure }) => figure === 'savings')).toEqual({
    figure: 'savings',
    frozen: '100.00',
    now: '180.00',
    reasons: [
      { kind: 'late_rows', rows: 15, from: '100.00', to: '150.00' },
      {
        kind: 'assumption',
        from: '150.00',
        to: '180.00',
        changes: ['was rate 50 USD/h (always, value.yaml:4)', 'is rate 60 USD/h (always, value.yaml:5)'],
      },
    ],
  })
  expect(compared?.differences.map(({ figure }) => figure)).not.toContain('adoption_percent')
})

test('another formula is named as the reason when no number of the model changed', async () => {
  await database.add({ day: '2026-10-05', count: 30 })
  await database.add({ day: '2026-10-05', count: 30, operation: 'AllocationService.book' })
  await freeze(database.pool, modelOf(), { period: '2026-10', now })
  const other = modelOf((text) => text.replace('.autoAllocate', '.*'), false)
  const compared = await compareFrozen(database.pool, other, { period: '2026-10', now })
  expect(compared?.differences.find(({ figure }) => figure === 'savings')?.reasons).toEqual([
    { kind: 'formula', from: '100.00', to: '200.00' },
  ])
})

test('a period is frozen once it is over, once, and again only when that is asked for', async () => {
  const model = modelOf()
  await expect(freeze(database.pool, model, { period: '2026-11', now })).rejects.toMatchObject({
    code: 'TL_VALUE_PERIOD',
  })
  expect(await compareFrozen(database.pool, model, { period: '2026-10', now })).toBeNull()
  const twice = await Promise.allSettled([
    freeze(database.pool, model, { period: '2026-10', now }),
    freeze(database.pool, model, { period: '2026-10', now }),
  ])
  expect(twice.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  await expect(freeze(database.pool, model, { period: '2026-10', now })).rejects.toMatchObject({
    code: 'TL_VALUE_FROZEN',
  })
  expect((await freeze(database.pool, model, { period: '2026-10', now, again: true })).revision).toBe(2)
})

test('nobody changes or deletes a frozen report, not even who owns the table', async () => {
  await freeze(database.pool, modelOf(), { period: '2026-10', now })
  for (const sql of [
    `UPDATE throughline.value_reports SET report = '{}'`,
    'DELETE FROM throughline.value_reports',
    'TRUNCATE throughline.value_reports',
  ])
    await expect(database.pool.query(sql), sql).rejects.toThrow(/a frozen report is not changed/)
})
