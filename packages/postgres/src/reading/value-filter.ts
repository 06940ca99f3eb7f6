import pg from 'pg'

/** One condition on a key of the metadata. Keys are flat and may hold dots, as in the record. */
export type MetadataTest = {
  key: string
  test: 'is' | 'not' | 'in' | 'exists' | 'above' | 'at_least' | 'below' | 'at_most'
  /** JSON text of a scalar; of `in` of an array; of `exists` `true` or `false`; of the others a decimal. */
  value: string
}

/** Which rows of operations. Texts are those of the value model: they travel as literals, quoted here. */
export type RowFilter = {
  /** Any of these; without `operation` all of that operation service. */
  operations: readonly { operationService: string; operation?: string }[]
  /** `service.name` of whoever ran it. */
  service?: string
  success?: boolean
  metadata?: readonly MetadataTest[]
}

export const textLiteral = (text: string): string => pg.escapeLiteral(text)

/** Only for what was checked to be a decimal; anything else would be no number to Postgres either. */
export const numberLiteral = (decimal: string): string => `${textLiteral(decimal)}::numeric`

export const timeLiteral = (time: Date): string => `'${time.toISOString()}'::timestamptz`

/** The names of the operations alone: what the sums know, too. */
export const namesCondition = ({ operations, service }: RowFilter): string => {
  const any = operations.map(({ operationService, operation }) => {
    const of = `operation_service = ${textLiteral(operationService)}`
    return operation === undefined ? of : `${of} AND operation = ${textLiteral(operation)}`
  })
  const names = any.length === 1 ? any[0]! : `(${any.map((one) => `(${one})`).join(' OR ')})`
  return service === undefined ? names : `${names} AND service = ${textLiteral(service)}`
}

/** Everything that the filter says of a row of `throughline.operations`. */
export const rowCondition = (filter: RowFilter): string =>
  [
    namesCondition(filter),
    ...(filter.success === undefined ? [] : [filter.success ? 'success' : 'NOT success']),
    ...(filter.metadata ?? []).map(metadataCondition),
  ].join(' AND ')

const comparisons = { above: '>', at_least: '>=', below: '<', at_most: '<=' } as const

// CASE, as AND promises no order: a cast must not see what is no number.
const metadataCondition = ({ key, test, value }: MetadataTest): string => {
  const name = textLiteral(key)
  const json = `metadata -> ${name}`
  if (test === 'is') return `${json} = ${textLiteral(value)}::jsonb`
  if (test === 'not') return `${json} IS DISTINCT FROM ${textLiteral(value)}::jsonb`
  if (test === 'in') return `${textLiteral(value)}::jsonb @> jsonb_build_array(${json})`
  if (test === 'exists') return `(${json}) IS ${value === 'true' ? 'NOT NULL' : 'NULL'}`
  const compared = `(metadata ->> ${name})::numeric ${comparisons[test]} ${numberLiteral(value)}`
  return `CASE WHEN jsonb_typeof(${json}) = 'number' THEN ${compared} ELSE false END`
}
