import type { BusinessEntry, Operation } from '@throughline/recorder/client'
import { dim, green, red } from './print.js'
import { oneLine } from './printable.js'

/** `12.3 ms`, `1,234 ms`: three figures are enough for the eye. */
export function milliseconds(ms: number): string {
  const digits = ms >= 100 ? 0 : ms >= 10 ? 1 : ms >= 1 ? 2 : 3
  return `${ms.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })} ms`
}

/** `business.order.value 129.90 USD site=cologne`. */
function businessText({ name, value, labels }: BusinessEntry): string {
  const { currency, ...others } = labels
  const more = Object.entries(others).map(([label, text]) => `${label}=${text}`)
  return oneLine([name, value, ...(currency === undefined ? [] : [currency]), ...more].join(' '))
}

/** What is known beside the times: metadata, values, the error. */
export function detailsText(operation: Operation): string {
  const metadata = Object.entries((operation.metadata ?? {}) as Record<string, unknown>)
    .slice(0, 8)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return oneLine([...metadata, ...operation.business.map(businessText)].join('  '))
}

export function errorText({ errorType, errorMessage }: Operation): string {
  return oneLine([errorType ?? 'failed', errorMessage].filter((part) => part !== null).join(': '))
}

export function mark({ success }: Operation): string {
  return success ? green('✔') : red('✘')
}

/** One line of `tail`. */
export function tailLine(operation: Operation): string {
  const {
    startedAt,
    operationService,
    operation: name,
    durationMs,
    service,
    userId,
    correlationId,
  } = operation
  const parts = [
    dim(startedAt.slice(11, 23)),
    mark(operation),
    oneLine(`${operationService}.${name}`),
    milliseconds(durationMs),
    dim(oneLine(service)),
    ...(userId === null ? [] : [dim(oneLine(userId))]),
    dim(oneLine(correlationId)),
    ...(operation.success ? [] : [red(errorText(operation))]),
    detailsText(operation),
  ]
  return parts.filter((part) => part !== '').join('  ')
}
