import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decimalText, fromMinor, sumDecimals, toMinor } from './decimal.js'

const minor = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n })
const scale = fc.integer({ min: 0, max: 6 })

test('a whole number of minor units survives the way to text and back', () => {
  fc.assert(fc.property(minor, scale, (n, s) => toMinor(fromMinor(n, s), s) === n))
})

test('a sum of decimal texts is the sum of their minor units, to the last digit', () => {
  fc.assert(
    fc.property(fc.array(minor, { maxLength: 50 }), scale, (numbers, s) => {
      const sum = numbers.map((n) => fromMinor(n, s)).reduce(sumDecimals, '0')
      expect(toMinor(sum, s)).toBe(numbers.reduce((a, b) => a + b, 0n))
    }),
  )
})

test.each([
  ['129.90', 12_990n],
  ['129.9', 12_990n],
  ['129.900', 12_990n],
  ['+1', 100n],
  ['-0.01', -1n],
  ['007', 700n],
])('%s is %d cents', (text, cents) => {
  expect(toMinor(text, 2)).toBe(cents)
})

test.each(['', ' 1', '1 ', '1.', '.5', '1,00', '1e3', '0x10', '1.001', 'NaN', '--1', '1\n', '9'.repeat(31)])(
  '%j is no amount in cents',
  (text) => {
    expect(toMinor(text, 2)).toBeUndefined()
  },
)

test('a number becomes its shortest decimal text, without exponent', () => {
  expect(decimalText(129.9)).toBe('129.9')
  expect(decimalText(1e-7)).toBe('0.0000001')
  expect(decimalText(1.5e21)).toBe('1500000000000000000000')
  for (const none of [Number.NaN, Number.POSITIVE_INFINITY, 1e-19, 1e40])
    expect(decimalText(none)).toBeUndefined()
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (n) => {
      const text = decimalText(n)
      if (text !== undefined) expect(Number(text)).toBe(n === 0 ? 0 : n)
    }),
  )
})
