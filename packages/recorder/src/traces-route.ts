import { decodeTraces, OtlpError, type ResourceSpans } from '@throughline/otlp'
import type { DeadLetter, OperationRow } from '@throughline/postgres'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Database } from './database.js'
import { RecorderError } from './errors.js'
import { exportResponse, type Format } from './export-response.js'
import type { GroupCommit } from './group-commit.js'
import { toOperationRow } from './operation-row.js'
import type { Settings } from './options.js'
import { createByteBudget, readBody } from './read-body.js'

/** The scope whose spans are records. Every other scope is ignored. */
const recordScope = 'throughline.operations'

// A list of reasons is for a person to read; the dead letters hold every one.
const maxReasons = 5
const maxReasonLength = 200

export const contentTypes: Record<Format, string> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
}

/** Undefined for a content type that OTLP/HTTP does not know. */
export const formatOf = (request: FastifyRequest): Format | undefined => {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (type === contentTypes.protobuf) return 'protobuf'
  return type === contentTypes.json ? 'json' : undefined
}

const encodingOf = (request: FastifyRequest): 'gzip' | 'identity' => {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() || 'identity'
  if (encoding === 'gzip' || encoding === 'identity') return encoding
  throw new RecorderError('TL_BODY_TYPE', 'the content encoding is neither gzip nor identity')
}

/** `POST /v1/traces`, by the table of answers in docs/reference/record.md. Refusals are thrown. */
export const addTracesRoute = (
  app: FastifyInstance,
  settings: Settings,
  database: Database,
  commits: GroupCommit,
): void => {
  const budget = createByteBudget(settings.maxPendingBytes)
  app.post('/v1/traces', async (request, reply) => {
    const format = formatOf(request)
    if (format === undefined)
      throw new RecorderError(
        'TL_BODY_TYPE',
        'the content type is neither application/x-protobuf nor application/json',
      )
    const body = await readBody(request.raw, encodingOf(request), settings, budget)
    try {
      const { rows, letters } = recordsOf(decode(body, format, settings))
      const records = rows.length + letters.length
      let reasons: string[] = []
      if (records > 0) {
        database.assertReady()
        reasons = [...letters.map((letter) => letter.reason), ...(await commits.submit(rows, letters))]
      }
      return reply
        .code(200)
        .type(contentTypes[format])
        .send(exportResponse(format, reasons.length, parkedMessage(reasons, records)))
    } finally {
      budget.give(body.length)
    }
  })
}

const decode = (body: Buffer, format: Format, settings: Settings): ResourceSpans[] => {
  try {
    const { maxInflatedBytes: maxBytes, maxSpans, maxAttributes, maxDepth } = settings
    return decodeTraces(body, format, { maxBytes, maxSpans, maxAttributes, maxDepth })
  } catch (error) {
    if (!(error instanceof OtlpError)) throw error
    const code = error.code === 'TL_OTLP_LIMIT' ? 'TL_BODY_TOO_LARGE' : 'TL_BODY_MALFORMED'
    throw new RecorderError(code, error.message)
  }
}

const recordsOf = (request: readonly ResourceSpans[]): { rows: OperationRow[]; letters: DeadLetter[] } => {
  const rows: OperationRow[] = []
  const letters: DeadLetter[] = []
  for (const { resource, scopes } of request)
    for (const { scope, spans } of scopes) {
      if (scope.name !== recordScope) continue
      for (const span of spans) {
        const { row, letter } = toOperationRow(span, resource)
        if (row !== undefined) rows.push(row)
        else letters.push(letter)
      }
    }
  return { rows, letters }
}

const parkedMessage = (reasons: readonly string[], records: number): string => {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  const named = [...counts]
    .slice(0, maxReasons)
    .map(([reason, n]) => `${reason.slice(0, maxReasonLength)} (${n})`)
  const more = counts.size > maxReasons ? '; …' : ''
  return `${reasons.length} of ${records} records are parked in dead_letter and must not be sent again: ${named.join('; ')}${more}`
}
