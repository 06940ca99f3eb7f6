import { PostgresError } from '../errors.js'
import { normalizeRow, startWindow } from '../normalize-row.js'
import type { OperationRow } from '../operation-row.js'
import { recordText } from './record-text.js'

/** An open transaction of the caller's: a `Client` or `PoolClient` of node-postgres as it is, any other client by an adapter. */
export interface SqlTransaction {
  /** Runs one statement in the transaction; `$1` stands for `values[0]`. */
  query(text: string, values: string[]): PromiseLike<unknown>
}

/** What `currentOperation()` of `@throughline/core` gives. */
export interface RecordableOperation {
  /** Closes the record and gives it away; undefined when there is none to give. */
  seal(): OperationRow | undefined
}

interface RecordInOptions {
  /** Whether the operation is a success in business terms, as far as that is known. Default true. */
  success?: boolean
  /** Who it was for, when no ambient user says so: the `user` extractor runs only at the end of the call. */
  user?: string
}

/** The longest retention of a recorder: here only what no recorder would store is kept out of the transaction. */
const longestRetentionDays = 3_650

/**
 * Puts the record of a running operation into the caller's own transaction, so that both are committed or neither is. The database is the
 * one that the recorder writes to. From then on the operation takes no metadata and no business values (`operation_sealed`), and its row
 * lasts until here: call it last. True if the row is in the transaction; false if there is nothing to put there: no operation or
 * no SDK, an operation with `record: false`, a second call, a record beyond the limits (it is parked in `dead_letter` instead).
 *
 * Rejects with what the statement was refused with; the transaction can then only be rolled back. Throws `TL_NOT_A_TRANSACTION`.
 */
export const recordIn = async (
  transaction: SqlTransaction,
  operation: RecordableOperation | undefined,
  options: RecordInOptions = {},
): Promise<boolean> => {
  assertTransaction(transaction)
  const sealed = operation?.seal()
  if (sealed === undefined) return false
  const { success = sealed.success, user = sealed.userId } = options
  const window = startWindow(Date.now(), longestRetentionDays)
  const { row, reason } = normalizeRow({ ...sealed, success, userId: user }, window)
  if (reason !== null) return false
  // By way of text: a client that knows the parameter as jsonb would write the text as a JSON string.
  await transaction.query('SELECT throughline.record_operation($1::text::jsonb)', [recordText(row)])
  return true
}

/** A pool would run the statement on some other connection, and nobody would notice until a rollback. */
const assertTransaction = (transaction: SqlTransaction): void => {
  if (typeof transaction?.query !== 'function')
    throw new PostgresError(
      'TL_NOT_A_TRANSACTION',
      'recordIn needs an object with query(text, values): take fromDrizzle, fromKysely, fromKnex, or write the one line for your client',
    )
  if ('totalCount' in transaction && 'idleCount' in transaction)
    throw new PostgresError(
      'TL_NOT_A_TRANSACTION',
      'recordIn was given a Pool: give it the client that BEGIN was sent on',
    )
}
