import type { PoolClient } from 'pg'
import { encodeArrays } from '../binary.js'
import { columnNames, columns } from '../columns.js'
import type { OperationRow } from '../operation-row.js'

const arrays = columns.map((column, index) => `$${index + 1}::${column.type}[]`).join(', ')
const statement = `INSERT INTO throughline.operations (${columnNames}) SELECT * FROM unnest(${arrays}) ON CONFLICT DO NOTHING`

/** Inserts what is not there yet; answers how many rows that were. */
export const insertOperations = async (
  client: PoolClient,
  rows: readonly OperationRow[],
): Promise<number> => {
  const result = await client.query({
    name: 'throughline.insert_operations',
    text: statement,
    values: encodeArrays(rows),
  })
  return result.rowCount ?? 0
}
