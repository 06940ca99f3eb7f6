import { expect, test } from 'vitest'
import { isDuplicate, isMissingPartition, isPoison, isRetryable, PostgresError } from './errors.js'

const fromPostgres = (code: string, more: object = {}): Error =>
  Object.assign(new Error(code), { code, severity: 'ERROR', ...more })
const fromSystem = (code: string): Error => Object.assign(new Error(code), { code, syscall: 'connect' })

test.each([
  ['08006', 'connection failure'],
  ['40001', 'serialization failure'],
  ['40P01', 'deadlock'],
  ['53100', 'disk full'],
  ['53200', 'out of memory'],
  ['53300', 'too many connections'],
  ['55006', 'a partition that is being dropped'],
  ['55P03', 'lock timeout'],
  ['57014', 'statement timeout'],
  ['57P01', 'terminated by an administrator'],
  ['57P03', 'starting up'],
  ['58030', 'input or output error of the disk'],
  ['25006', 'a primary that became a standby'],
])('%s (%s) is the time, not the rows', (code) => {
  expect(isRetryable(fromPostgres(code))).toBe(true)
  expect(isPoison(fromPostgres(code))).toBe(false)
})

test.each(['22021', '22P02', '22P05', '22003', '54000', '54001', '23514', '23502'])(
  '%s is a row that can never be stored',
  (code) => {
    expect(isPoison(fromPostgres(code))).toBe(true)
    expect(isRetryable(fromPostgres(code))).toBe(false)
  },
)

test.each(['42501', '42P01', '28P01', '3D000'])('%s is neither: a person has to mend it', (code) => {
  expect(isPoison(fromPostgres(code))).toBe(false)
  expect(isRetryable(fromPostgres(code))).toBe(false)
})

test('23505 is a row that is known; 23514 without a constraint is a day without a partition', () => {
  expect(isDuplicate(fromPostgres('23505'))).toBe(true)
  expect(isMissingPartition(fromPostgres('23514'))).toBe(true)
  expect(isMissingPartition(fromPostgres('23514', { constraint: 'positive' }))).toBe(false)
})

test('a socket that breaks is retryable, a bug of ours is not', () => {
  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND'])
    expect(isRetryable(fromSystem(code))).toBe(true)
  expect(isRetryable(new Error('Connection terminated unexpectedly'))).toBe(true)
  expect(isRetryable(new TypeError('x is undefined'))).toBe(false)
  expect(isRetryable(new PostgresError('TL_POSTGRES_OPTION', 'x'))).toBe(false)
  expect(isRetryable('timeout')).toBe(false)
})
