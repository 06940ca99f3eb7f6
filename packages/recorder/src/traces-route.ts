import { decodeTraces, OtlpError, type ResourceSpans } from '@throughline/otlp'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Auth } from './auth.js'
import type { Counters } from './counters.js'
import type { Database } from './database.js'
import { RecorderError } from './errors.js'
import { exportResponse, type Format } from './export-response.js'
import type { GroupCommit } from './group-commit.js'
import type { Settings } from './options.js'
import { plural } from './plural.js'
import { type ByteBudget, readBody } from './read-body.js'
import { type Records, recordsOf, sizeOf } from './records.js'

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

type Parts = {
  settings: Settings
  database: Database
  auth: Auth
  counters: Counters
  budget: ByteBudget
  commits: GroupCommit
}

/** `POST /v1/traces`, by the table of answers in docs/reference/record.md. Refusals are thrown. */
export const addTracesRoute = (app: FastifyInstance, parts: Parts): void => {
  const { settings, database, auth, counters, budget, commits } = parts

  /** The bytes stay taken from the budget, as the texts of the records live on; the body itself does not. */
  const take = async (
    request: FastifyRequest,
    format: Format,
  ): Promise<{ records: Records; bytes: number }> => {
    commits.assertRoom()
    const limits =
      format === 'json'
        ? { ...settings, maxInflatedBytes: Math.min(settings.maxInflatedBytes, settings.maxJsonBytes) }
        : settings
    const body = await readBody(request.raw, encodingOf(request), limits, budget)
    counters.count('throughline.recorder.request_bytes', body.length)
    try {
      return { records: recordsOf(decode(body, format, settings)), bytes: body.length }
    } catch (error) {
      budget.give(body.length)
      throw error
    }
  }

  app.post('/v1/traces', { onRequest: auth.ingest }, async (request, reply) => {
    counters.count('throughline.recorder.requests')
    const format = formatOf(request)
    if (format === undefined)
      throw new RecorderError(
        'TL_BODY_TYPE',
        'the content type is neither application/x-protobuf nor application/json',
      )
    const taken = await take(request, format)
    try {
      const size = sizeOf(taken.records)
      let reasons: string[] = []
      if (size > 0) {
        database.assertReady()
        const parked = await commits.submit(taken.records)
        reasons = [...taken.records.rejected.map((letter) => letter.reason), ...parked]
      }
      return reply
        .code(200)
        .type(contentTypes[format])
        .send(exportResponse(format, reasons.length, parkedMessage(reasons, size)))
    } finally {
      budget.give(taken.bytes)
    }
  })
}

const decode = (body: Buffer, format: Format, settings: Settings): ResourceSpans[] => {
  try {
    const { maxInflatedBytes: maxBytes, maxSpans, maxAttributes, maxItems, maxDepth } = settings
    return decodeTraces(body, format, { maxBytes, maxSpans, maxAttributes, maxItems, maxDepth })
  } catch (error) {
    if (!(error instanceof OtlpError)) throw error
    const code = error.code === 'TL_OTLP_LIMIT' ? 'TL_BODY_TOO_LARGE' : 'TL_BODY_MALFORMED'
    throw new RecorderError(code, error.message)
  }
}

const parkedMessage = (reasons: readonly string[], records: number): string => {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  const named = [...counts]
    .slice(0, maxReasons)
    .map(([reason, n]) => `${reason.slice(0, maxReasonLength)} (${n})`)
  const more = counts.size > maxReasons ? '; …' : ''
  return `${reasons.length} of ${plural(records, 'record')} ${reasons.length === 1 ? 'is' : 'are'} parked in dead_letter and must not be sent again: ${named.join('; ')}${more}`
}
