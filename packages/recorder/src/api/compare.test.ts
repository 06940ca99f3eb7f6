import { beforeAll, expect, test } from 'vitest'
import { contractOf } from '../../test/api-contract.js'
import { aRow, writeRows } from '../../test/rows.js'
import { useRecorder } from '../../test/running-recorder.js'
import type { CompareAnswer } from '../client.js'
import { fisher, twoSided, zOf } from './statistics.js'

const recorder = useRecorder()
let api: Awaited<ReturnType<typeof contractOf>>
beforeAll(async () => {
  api = await contractOf((await recorder.another({})).url)
})

type Version = {
  version: string
  count: number
  hoursAgo: number
  failEvery?: number
  us?: number
  value?: string
}

/** Durations of the same spread around `us`, spread over an hour. */
const rowsOf = ({ version, count, hoursAgo, failEvery = 0, us = 10_000, value }: Version) =>
  Array.from({ length: count }, (_, n) => {
    const failed = failEvery > 0 && n % failEvery === 0
    return aRow({
      serviceVersion: version,
      startedAtUs: BigInt(Date.now() - hoursAgo * 3_600_000 + Math.floor((n * 3_500_000) / count)) * 1000n,
      durationUs: BigInt(Math.round(us * (0.5 + ((n * 7_919) % 1_000) / 1_000))),
      success: !failed,
      errorType: failed ? 'Timeout' : null,
      business:
        value === undefined
          ? null
          : JSON.stringify([
              { name: 'business.value', labels: { currency: 'USD', n: String(n % 3) }, value },
            ]),
    })
  })
const write = (...versions: Version[]) => writeRows(recorder.databaseUrl, versions.flatMap(rowsOf))
let asked = 0
const compare = (query = '') => {
  asked += 1
  return api.json<CompareAnswer>(`/metrics/compare?hours=${24 + asked / 1000}${query}`)
}
const verdicts = ({ findings }: CompareAnswer) =>
  Object.fromEntries(findings.map(({ what, name, verdict }) => [name ?? what, verdict]))

test('a version that fails more often and takes longer is worse, and the answer says by how much', async () => {
  await write(
    { version: '1.0.0', count: 2_000, hoursAgo: 5, failEvery: 100, value: '10.00' },
    { version: '1.1.0', count: 1_000, hoursAgo: 2, failEvery: 20, us: 15_000, value: '9.00' },
  )
  const answer = await compare()
  expect(answer.verdict).toBe('worse')
  expect([answer.old?.version, answer.new?.version]).toEqual(['1.0.0', '1.1.0'])
  expect(answer.old).toMatchObject({ count: 2_000, failures: 20, errors: [{ type: 'Timeout', count: 20 }] })
  expect(verdicts(answer)).toEqual({
    failures: 'worse',
    latency: 'worse',
    tail: 'worse',
    Timeout: 'worse',
    'business.value USD': 'worse',
  })
  const latency = answer.findings.find(({ what }) => what === 'latency')!
  expect(latency.change).toBeCloseTo(0.5, 1)
  expect(latency.interval!.low).toBeLessThan(latency.change!)
  expect(latency.interval!.high).toBeGreaterThan(latency.change!)
  const value = answer.findings.find(({ what }) => what === 'value')!
  expect([value.old, value.new]).toEqual([10, 9])
  expect(answer.text).toContain('1.1.0 against 1.0.0 is worse')
})

test('two versions that behave alike differ by noise only', async () => {
  await write(
    { version: '1', count: 900, hoursAgo: 4, failEvery: 50 },
    { version: '2', count: 1_000, hoursAgo: 2, failEvery: 45 },
  )
  const answer = await compare('&operation=Billing.charge')
  expect(answer.verdict).toBe('noise')
  expect(new Set(answer.findings.map(({ verdict }) => verdict))).toEqual(new Set(['noise']))
})

test('failures of one bad minute are one burst, not hundreds of reasons', async () => {
  const burst = Array.from({ length: 40 }, (_, n) =>
    aRow({
      serviceVersion: '2',
      startedAtUs: BigInt(Math.floor((Date.now() - 5_400_000) / 60_000) * 60_000 + n) * 1000n,
      success: false,
      errorType: 'ECONNREFUSED',
      durationUs: 10_000n,
    }),
  )
  await write({ version: '1', count: 1_000, hoursAgo: 4 }, { version: '2', count: 1_000, hoursAgo: 2 })
  await writeRows(recorder.databaseUrl, burst)
  expect(verdicts(await compare()).failures).toBe('noise')
})

test('a handful of operations is no ground for a verdict; a single version has nothing to be held against', async () => {
  await write(
    { version: '1', count: 100, hoursAgo: 4 },
    { version: '2', count: 5, hoursAgo: 2, failEvery: 1 },
  )
  expect((await compare()).verdict).toBe('too few')
  const single = await compare('&operation=nothing')
  expect(single).toMatchObject({ old: null, new: null, verdict: 'too few', findings: [] })
})

test('versions can be named, and a third one is no part of it', async () => {
  await write(
    { version: 'a', count: 100, hoursAgo: 6 },
    { version: 'b', count: 100, hoursAgo: 4, failEvery: 2 },
    { version: 'c', count: 100, hoursAgo: 2 },
  )
  const answer = await compare('&old=a&new=c')
  expect([answer.old?.version, answer.new?.version, answer.verdict]).toEqual(['a', 'c', 'noise'])
  expect((await compare()).old?.version).toBe('b')
  expect((await compare()).verdict).toBe('better')
  expect(await compare('&new=z')).toMatchObject({ status: 400, code: 'TL_PARAMETER' })
})

test('the statistics are those of the textbooks', () => {
  expect(zOf(0.95)).toBeCloseTo(1.959964, 4)
  expect(zOf(0.99)).toBeCloseTo(2.575829, 4)
  expect(twoSided(1.959964)).toBeCloseTo(0.05, 5)
  expect(twoSided(0)).toBeCloseTo(1, 6)
  // The lady tasting tea, and a table whose value is in every package's documentation.
  expect(fisher(3, 4, 1, 4)).toBeCloseTo(0.4857, 4)
  expect(fisher(1, 12, 9, 12)).toBeCloseTo(0.002759, 5)
  expect(fisher(0, 100, 0, 100)).toBe(1)
})
