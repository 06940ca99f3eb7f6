import type { InstanceAudit } from '@throughline/postgres/audit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ledgerOf, normalize, type Range, sizeOf, subtract } from './ledger.js'

const nowhere = { spooled: [], quarantined: [], refused: 0, collectorQueue: undefined }

function audit(covered: [bigint, bigint][], more: Partial<InstanceAudit> = {}): InstanceAudit {
  const size = sizeOf(covered)
  return {
    instance: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
    service: 'shop',
    version: null,
    host: null,
    startedAt: new Date(0),
    stoppedAt: null,
    stopReason: null,
    lastSeq: null,
    covered,
    received: size,
    rows: size - 2n,
    lifecycle: 2n,
    parked: 0n,
    inTransactions: 0n,
    erased: 0n,
    ...more,
  }
}

test('an instance of which every number is committed leaves nothing to explain, however often they came', () => {
  const ledger = ledgerOf(audit([[1n, 100n]], { lastSeq: 100n, received: 140n }), nowhere)
  expect(ledger).toMatchObject({ covered: 100n, redelivered: 40n, findings: [] })
})

test('a gap, and an end that the stop record tells of, are unexplained until a place has them', () => {
  const holes = audit(
    [
      [1n, 10n],
      [21n, 90n],
    ],
    { lastSeq: 100n },
  )
  expect(ledgerOf(holes, nowhere).findings).toMatchObject([
    {
      kind: 'unexplained',
      count: 20n,
      explained: false,
      ranges: [
        [11n, 20n],
        [91n, 100n],
      ],
    },
  ])
  const elsewhere = { ...nowhere, spooled: [[91n, 100n]] as Range[], quarantined: [[11n, 12n]] as Range[] }
  expect(ledgerOf(holes, { ...elsewhere, refused: 3 }).findings).toMatchObject([
    { kind: 'quarantine', count: 2n, explained: true },
    { kind: 'spool', count: 10n, explained: true },
    { kind: 'refused', count: 3n, explained: true },
    { kind: 'unexplained', count: 5n, explained: false },
  ])
  expect(ledgerOf(holes, { ...elsewhere, refused: 8 }).findings.every((one) => one.explained)).toBe(true)
})

test('what is on its way is explained only while the Collector holds something', () => {
  const holes = audit([[1n, 10n]], { lastSeq: 12n })
  expect(ledgerOf(holes, { ...nowhere, collectorQueue: 0 }).findings).toMatchObject([{ explained: false }])
  expect(ledgerOf(holes, { ...nowhere, collectorQueue: 700 }).findings).toMatchObject([
    { kind: 'collector', count: 2n, explained: true },
  ])
})

test('a row that is gone, or one too many, is found though every number was delivered', () => {
  expect(ledgerOf(audit([[1n, 10n]], { rows: 7n }), nowhere).findings).toMatchObject([
    { kind: 'rows', count: 1n, explained: false },
  ])
  expect(ledgerOf(audit([[1n, 10n]], { rows: 9n }), nowhere).findings).toMatchObject([{ kind: 'rows' }])
  expect(ledgerOf(audit([[1n, 10n]], { rows: 6n, parked: 2n }), nowhere).findings).toEqual([])
  expect(ledgerOf(audit([[1n, 10n]], { rows: null }), nowhere).findings).toEqual([])
})

test('ranges are sets: normalize and subtract agree with sets of numbers', () => {
  const ranges = fc.array(
    fc
      .tuple(fc.bigInt({ min: 1n, max: 60n }), fc.bigInt({ min: 0n, max: 12n }))
      .map(([lo, n]) => [lo, lo + n] as Range),
    { maxLength: 12 },
  )
  const numbers = (list: readonly Range[]): Set<bigint> => {
    const all = new Set<bigint>()
    for (const [lo, hi] of list) for (let n = lo; n <= hi; n += 1n) all.add(n)
    return all
  }
  fc.assert(
    fc.property(ranges, ranges, (a, b) => {
      const [left, right] = [normalize(a), normalize(b)]
      expect(numbers(left)).toEqual(numbers(a))
      expect(sizeOf(left)).toBe(BigInt(numbers(a).size))
      expect([...numbers(subtract(left, right))].sort()).toEqual(
        [...numbers(a)].filter((n) => !numbers(b).has(n)).sort(),
      )
    }),
  )
})
