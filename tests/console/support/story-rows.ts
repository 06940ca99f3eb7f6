import { createHash } from 'node:crypto'
import type { OperationRow } from '../../../packages/postgres/src/index.js'

const hex = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length)

/** The same numbers on each run: a picture that changes with each test run would be a diff with each test run. */
const diceOf = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const sites = ['dearborn', 'cologne', 'merkenich']
const users = ['ada', 'grace', 'linus', 'margaret', 'dennis', 'barbara', 'ken', 'radia']

type Request = {
  id: string
  startedMs: number
  version: string
  dice: () => number
  /** Told apart in one ID; default the first. */
  attempt?: number
  failed?: boolean
}

const faultOf = (site: string, none: boolean): Partial<OperationRow> => {
  const errorType = none ? 'NoFreeDynoError' : 'TimeoutError'
  const errorMessage = none
    ? `no dyno of ${site} is free in the week of the order`
    : `${site} did not answer within 80 ms`
  return {
    success: false,
    errorType,
    errorMessage,
    errorStack: `${errorType}: ${errorMessage}\n    at AllocationService.book (allocation-service.ts:61:13)\n    at AllocationService.autoAllocate (allocation-service.ts:47:22)`,
  }
}

/** One request of the example: the allocation asks the catalogue and books; each takes its share of the time. */
const requestRows = ({ id, startedMs, version, dice, attempt = 1, ...told }: Request): OperationRow[] => {
  const traceId = hex(`${id} trace ${attempt}`, 32)
  const user = users[Math.floor(dice() * dice() * users.length)] ?? 'ada'
  const site = sites[Math.floor(dice() * sites.length)] ?? 'cologne'
  const slow = dice() > 0.97 ? 6 : 1
  const lookMs = (14 + 40 * dice()) * slow
  const bookMs = (30 + 90 * dice() * dice()) * (version === '1.4.0' ? 0.8 : 1)
  const chance = dice()
  const failed = told.failed ?? chance > 0.975
  const taken = dice() > 0.9
  const wholeMs = 8 + lookMs + bookMs + 12 * dice()
  const spans = {
    whole: hex(`${id} a ${attempt}`, 16),
    look: hex(`${id} b ${attempt}`, 16),
    book: hex(`${id} c ${attempt}`, 16),
    mail: hex(`${id} d ${attempt}`, 16),
  }
  const row = (changes: Partial<OperationRow> & { fromMs: number; tookMs: number }): OperationRow => {
    const { fromMs, tookMs, ...others } = changes
    return {
      startedAtUs: BigInt(Math.round((startedMs + fromMs) * 1_000)),
      durationUs: BigInt(Math.round(tookMs * 1_000)),
      traceId,
      spanId: '',
      parentSpanId: spans.whole,
      correlationId: id,
      service: 'allocation',
      serviceVersion: version,
      operationService: 'AllocationService',
      operation: 'autoAllocate',
      userId: user,
      success: true,
      errorType: null,
      errorMessage: null,
      errorStack: null,
      metadata: null,
      business: null,
      instance: null,
      seq: null,
      ...others,
    }
  }
  const fault = failed ? faultOf(site, dice() > 0.4) : {}
  const sold = [
    { name: 'business.vehicle.allocated', labels: { site }, value: '1' },
    {
      name: 'business.allocation.value',
      labels: { site, currency: 'USD' },
      value: `${(80 + dice() * 90).toFixed(2)}`,
    },
  ]
  return [
    row({
      ...fault,
      spanId: spans.whole,
      parentSpanId: null,
      fromMs: 0,
      tookMs: wholeMs,
      metadata: JSON.stringify({
        vehicle: Math.floor(dice() * 400),
        backupUsed: taken,
        conflicts: taken ? 1 : 0,
        site,
      }),
      business: failed ? null : JSON.stringify(sold),
    }),
    row({
      spanId: spans.look,
      fromMs: 3,
      tookMs: lookMs,
      service: 'catalogue',
      serviceVersion: '2.0.1',
      operationService: 'VehicleCatalogue',
      operation: 'find',
    }),
    row({
      ...fault,
      spanId: spans.book,
      fromMs: 5 + lookMs,
      tookMs: bookMs,
      operation: 'book',
    }),
    ...(dice() > 0.6
      ? [
          row({
            spanId: spans.mail,
            parentSpanId: spans.book,
            fromMs: 9 + lookMs + bookMs,
            tookMs: 20 + 60 * dice(),
            service: 'notifications',
            serviceVersion: null,
            operationService: 'Mailer',
            operation: 'send',
          }),
        ]
      : []),
  ]
}

/**
 * Requests of the last hours, more by day than by night; half way a new version is deployed. None in the minutes around
 * the last day's beginning: what a test counts does not change while it runs.
 */
export const exampleRows = (nowMs: number, hours = 24, perHour = 40, deployed = '1.4.0'): OperationRow[] => {
  const dice = diceOf(7)
  const rows: OperationRow[] = []
  for (let hour = 0; hour < hours; hour += 1) {
    const wave = 0.55 + 0.45 * Math.sin((hour / 24) * 2 * Math.PI - 1.3)
    const requests = Math.round(perHour * wave)
    for (let at = 0; at < requests; at += 1) {
      const startedMs = nowMs - (hours - hour) * 3_600_000 + ((at + dice()) / requests) * 3_590_000
      const version = hour < hours * 0.6 ? '1.3.2' : deployed
      rows.push(...requestRows({ id: `order-${4_000 + rows.length}`, startedMs, version, dice }))
    }
  }
  const dayMs = nowMs - 86_400_000
  return rows.filter(({ startedAtUs }) => {
    const sinceMs = Number(startedAtUs / 1_000n) - dayMs
    return sinceMs < -60_000 || sinceMs > 1_200_000
  })
}

/** One ID that failed, was tried again, and went through. */
export const retriedStory = (id: string, startedMs: number): OperationRow[] => {
  const dice = diceOf(11)
  const one = { id, version: '1.4.0', dice }
  return [
    ...requestRows({ ...one, startedMs, failed: true }),
    ...requestRows({ ...one, startedMs: startedMs + 210, attempt: 2, failed: false }),
  ].map((row) => ({ ...row, userId: 'grace' }))
}

/** One correlation ID with so many operations: fans of a hundred below each other. */
export const largeStory = (id: string, size: number, startedMs: number): OperationRow[] => {
  const traceId = hex(id, 32)
  const [pattern] = requestRows({ id, startedMs, version: '1.4.0', dice: diceOf(3) })
  return Array.from({ length: size }, (_, at): OperationRow => {
    const parent = at === 0 ? null : Math.floor((at - 1) / 100)
    return {
      ...pattern!,
      traceId,
      spanId: hex(`${id} ${at}`, 16),
      parentSpanId: parent === null ? null : hex(`${id} ${parent}`, 16),
      startedAtUs: BigInt(Math.round((startedMs + at * 3) * 1_000)),
      durationUs: BigInt(at === 0 ? size * 3_000 : 2_000 + (at % 7) * 400),
      operation: at === 0 ? 'importAll' : `import${at}`,
      success: at % 500 !== 499,
      errorType: at % 500 === 499 ? 'RowRefusedError' : null,
      metadata: JSON.stringify({ row: at }),
      business: null,
    }
  })
}
