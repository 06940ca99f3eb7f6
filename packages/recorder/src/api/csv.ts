import type { OperationDetail } from './schemas/operation.js'

const columns = [
  'startedAt',
  'recordedAt',
  'correlationId',
  'traceId',
  'spanId',
  'parentSpanId',
  'service',
  'serviceVersion',
  'operationService',
  'operation',
  'userId',
  'durationMs',
  'success',
  'errorType',
  'errorMessage',
  'errorStack',
  'metadata',
  'business',
  'instance',
  'seq',
] as const satisfies readonly (keyof OperationDetail)[]

// What a spreadsheet would run when the file is opened.
const formula = /^[=+\-@\t\r]/

const cellOf = (value: unknown): string => {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const safe = formula.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export const csvHead = `${columns.join(',')}\r\n`

export const csvLine = (row: OperationDetail): string =>
  `${columns.map((name) => cellOf(row[name])).join(',')}\r\n`
