/** Which rows: every part that is given must hold. */
export type OperationFilter = {
  from?: Date | undefined
  /** Not included. */
  until?: Date | undefined
  correlationId?: string | undefined
  /** 32 hexadecimal digits. */
  traceId?: string | undefined
  service?: string | undefined
  version?: string | undefined
  operationService?: string | undefined
  operation?: string | undefined
  user?: string | undefined
  success?: boolean | undefined
  errorType?: string | undefined
  /** The key is there; with `values` it has one of them, each a text of JSON. */
  metadata?: { key: string; values?: readonly string[] } | undefined
}

export type Parameters = { values: unknown[]; add: (value: unknown) => string }

/** The parameters of one statement; texts only ever travel as such. */
export const parametersOf = (): Parameters => {
  const values: unknown[] = []
  return { values, add: (value) => `$${values.push(value)}` }
}

const equals: readonly (readonly [keyof OperationFilter, string, string])[] = [
  ['correlationId', 'correlation_id', 'text'],
  ['traceId', 'trace_id', 'uuid'],
  ['service', 'service', 'text'],
  ['version', 'service_version', 'text'],
  ['operationService', 'operation_service', 'text'],
  ['operation', 'operation', 'text'],
  ['user', 'user_id', 'text'],
  ['success', 'success', 'bool'],
  ['errorType', 'error_type', 'text'],
]

/** The filter as a condition over the columns of `throughline.operations`. */
export const filterCondition = (filter: OperationFilter, { add }: Parameters): string => {
  const parts: string[] = []
  if (filter.from !== undefined) parts.push(`started_at >= ${add(filter.from.toISOString())}::timestamptz`)
  if (filter.until !== undefined) parts.push(`started_at < ${add(filter.until.toISOString())}::timestamptz`)
  for (const [name, column, type] of equals)
    if (filter[name] !== undefined) parts.push(`${column} = ${add(filter[name])}::${type}`)
  if (filter.metadata !== undefined) {
    const { key, values } = filter.metadata
    const place = add(key)
    parts.push(
      values === undefined
        ? `metadata ? ${place}::text`
        : `metadata -> ${place}::text = ANY(${add(values)}::jsonb[])`,
    )
  }
  return parts.join(' AND ') || 'true'
}
