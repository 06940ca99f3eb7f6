import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { useValueDatabase } from '../../test/value-database.js'
import { fixed, fractionOf, over, plus, short, times } from './fraction.js'

const database = useValueDatabase()

const decimal = fc
  .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 15n }), fc.integer({ min: 0, max: 8 }))
  .map(([negative, digits, places]) => {
    const text = digits.toString().padStart(places + 1, '0')
    const number = places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`
    return negative && digits > 0n ? `-${number}` : number
  })

describe('exact arithmetic', () => {
  test('of fractions is that of numbers with as many digits as they need', () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const [x, y] = [fractionOf(a)!, fractionOf(b)!]
        const sum = plus(x, y)
        expect(sum.n * x.d * y.d).toBe((x.n * y.d + y.n * x.d) * sum.d)
        if (y.n !== 0n) {
          const back = times(over(x, y)!, y)
          expect(back.n * x.d).toBe(x.n * back.d)
        }
        expect(fractionOf(short(x, 8))).toMatchObject({ n: expect.any(BigInt) })
        const read = fractionOf(fixed(x, 8))!
        expect(read.n * x.d).toBe(x.n * read.d)
      }),
    )
  })

  test('of Postgres rounds the exact quotient once, half away from zero, as fractions do', async () => {
    const cases = fc.sample(fc.tuple(decimal, decimal, fc.integer({ min: 0, max: 6 })), 2_000)
    const ties: [string, string, number][] = [
      ['1', '8', 2],
      ['-1', '8', 2],
      ['0.5', '1', 0],
      ['2.5', '-1', 0],
      ['1', '3', 4],
      ['999999999999999.995', '1', 2],
      ['100000000000000000000000000004999999', '1000000000000000000000000000000', 2],
    ]
    const all = [...ties, ...cases].filter(([, divisor]) => !/^-?0*\.?0*$/.test(divisor))
    const { rows } = await database.pool.query<{ answer: string }>(
      `SELECT throughline.quotient(a::numeric, b::numeric, places)::text AS answer
       FROM unnest($1::text[], $2::text[], $3::int[]) WITH ORDINALITY AS t(a, b, places, n) ORDER BY n`,
      [all.map(([a]) => a), all.map(([, b]) => b), all.map(([, , places]) => places)],
    )
    const big = (text: string) => fractionOf(text) ?? { n: BigInt(text), d: 1n }
    const wanted = all.map(([a, b, places]) => fixed(over(big(a), big(b))!, places))
    expect(rows.map(({ answer }) => answer)).toEqual(wanted)
    expect(rows.length).toBeGreaterThan(1_500)
  })

  test('of Postgres has no answer to a division by zero', async () => {
    const { rows } = await database.pool.query('SELECT throughline.quotient(1, 0, 2) AS answer')
    expect(rows).toEqual([{ answer: null }])
  })
})
