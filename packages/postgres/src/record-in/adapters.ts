import { PostgresError } from '../errors.js'
import type { SqlTransaction } from './record-in.js'

/** Neither library is a dependency: what is used of it is written down here, and the tests run the real ones. */
interface DrizzleTransaction {
  execute(query: never): PromiseLike<unknown>
  rollback(): never
}
interface KyselyTransaction {
  readonly isTransaction: boolean
  executeQuery(query: never): PromiseLike<unknown>
}
interface KnexTransaction {
  readonly isTransaction?: boolean
  raw(sql: string, bindings: string[]): PromiseLike<unknown>
}

/** `fromDrizzle(tx, sql)`, with the `sql` of drizzle-orm. */
export const fromDrizzle = (
  tx: DrizzleTransaction,
  sql: (strings: TemplateStringsArray, ...values: unknown[]) => unknown,
): SqlTransaction => {
  assertInside('rollback' in tx, 'drizzle')
  const template = (text: string) => text.split(/\$\d+/) as unknown as TemplateStringsArray
  return { query: (text, values) => tx.execute(sql(template(text), ...values) as never) }
}

/** `fromKysely(trx, CompiledQuery)`, with the `CompiledQuery` of kysely. */
export const fromKysely = (
  trx: KyselyTransaction,
  compiled: { raw(sql: string, parameters: unknown[]): unknown },
): SqlTransaction => {
  assertInside(trx.isTransaction, 'kysely')
  return { query: (text, values) => trx.executeQuery(compiled.raw(text, values) as never) }
}

/** `fromKnex(trx)`. */
export const fromKnex = (trx: KnexTransaction): SqlTransaction => {
  assertInside(trx.isTransaction === true, 'knex')
  return { query: (text, values) => trx.raw(text.replaceAll(/\$\d+/g, '?'), values) }
}

const assertInside = (inside: boolean, library: string): void => {
  if (!inside)
    throw new PostgresError(
      'TL_NOT_A_TRANSACTION',
      `this is no transaction of ${library}, but what begins one: give the object that the callback of transaction() gets`,
    )
}
