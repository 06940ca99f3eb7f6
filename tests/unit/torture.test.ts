import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Result, runCase } from '../torture/case.js'
import { groups } from '../torture/cases/index.js'
import { ormGroups } from '../torture/orm-cases.js'
import { type OwnSubject, throughline } from '../torture/subject.js'
import { key, lines, type Peers, page } from '../torture/table.js'

const document = new URL('../../docs/torture.md', import.meta.url)
const peers = new URL('../torture/peers/results.json', import.meta.url)

let subject: OwnSubject
const results = new Map<string, Result>()
beforeAll(async () => {
  subject = await throughline()
})
afterAll(async () => {
  await subject.close()
  // For `npm run torture`, which shows what was measured.
  const { TORTURE_LINES } = process.env
  if (TORTURE_LINES !== undefined) writeFileSync(TORTURE_LINES, lines(groups, results))
})

describe.each(groups)('$title', (group) => {
  test.each(group.cases)('$what', async (one) => {
    const name = key(group, one).replace(/\W+/g, '-')
    const result = await runCase(one, subject, name)
    results.set(key(group, one), result)
    expect(result.faults).toEqual([])
    expect(result.records).toEqual(one.records)
    expect(result.timed, `${result.recordedMs} ms recorded for ${result.workedMs} ms`).toBe(true)
    const measured = subject.measured(name)
    expect(measured.records.sort()).toEqual([...one.records].sort())
    // The row has whole microseconds.
    expect(Math.abs(measured.sumMs - result.recordedMs)).toBeLessThan(0.001 * one.records.length + 0.01)
    expect(subject.active(name)).toBe(0)
  })
})

test('nothing went wrong inside', () => {
  expect(subject.counts().get('internal_error')).toBeUndefined()
})

test('docs/torture.md has these cases and what the peers did, no other', () => {
  const orms = ormGroups(() => {
    throw new Error('only their names are of interest here')
  })
  const current = page(groups, orms, JSON.parse(readFileSync(peers, 'utf8')) as Peers)
  if (process.env.TORTURE_LINES !== undefined) writeFileSync(document, current)
  expect(existsSync(document) ? readFileSync(document, 'utf8') : '', 'run npm run torture').toBe(current)
})
