import { STATUS_CODES } from 'node:http'
import { isRetryable, PostgresError } from '@throughline/postgres'
import { sqlStateOf } from '@throughline/postgres/reading'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Counters } from '../counters.js'
import { faultCode, RecorderError } from '../errors.js'
import type { FaultLog } from '../fault-log.js'
import type { Settings } from '../options.js'
import type { Problem } from './schemas/common.js'

export const problemType = 'application/problem+json'

/** RFC 9457: `type` is about:blank, so `title` is the phrase of the status; ours is `code`. */
export const problemOf = (status: number, code: string, detail: string): Problem => ({
  type: 'about:blank',
  title: STATUS_CODES[status] ?? 'Error',
  status,
  detail,
  code,
})

export const sendProblem = (reply: FastifyReply, problem: Problem): FastifyReply =>
  reply.code(problem.status).type(problemType).send(JSON.stringify(problem))

/** 57014: a statement that was cancelled, by us only ever for its time. `pg` gives its own timeout no code. */
const isSlow = (error: unknown): boolean =>
  sqlStateOf(error) === '57014' || (error instanceof Error && error.message === 'Query read timeout')

// 22: a parameter that Postgres cannot take as what it is, such as a time out of its range.
const isData = (error: unknown): boolean => /^22/.test(sqlStateOf(error) ?? '')

const problemFor = (error: unknown, settings: Pick<Settings, 'queryTimeoutMs'>): Problem => {
  if (error instanceof RecorderError) return problemOf(error.status, error.code, error.message)
  const { validation, statusCode, message } = error as Partial<FastifyError>
  if (validation !== undefined) return problemOf(400, 'TL_PARAMETER', message ?? 'a parameter is wrong')
  if (error instanceof PostgresError && error.code === 'TL_POSTGRES_OPTION')
    return problemOf(400, 'TL_PARAMETER', error.message)
  if (isSlow(error))
    return problemOf(
      504,
      'TL_QUERY_TIMEOUT',
      `the query took longer than ${settings.queryTimeoutMs} ms: ask for a smaller window or with a narrower filter`,
    )
  if (isData(error)) return problemOf(400, 'TL_PARAMETER', 'a parameter is out of its range')
  if (isRetryable(error))
    return problemOf(503, 'TL_DATABASE_AWAY', `the database cannot answer now (${faultCode(error)})`)
  if (statusCode !== undefined && statusCode < 500)
    return problemOf(statusCode, 'HTTP', message ?? 'the request cannot be taken')
  return problemOf(
    500,
    'TL_INTERNAL',
    `this is a fault of the recorder's (${faultCode(error)}); its log says more`,
  )
}

export const createErrorHandler =
  (settings: Settings, counters: Counters, log: FaultLog) =>
  (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const problem = problemFor(error, settings)
    counters.refuse(problem.code)
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
    if (problem.status === 503 || problem.status === 429)
      reply.header('retry-after', String(retryAfterOf(error) ?? settings.retryAfterSeconds))
    if (problem.status >= 500)
      log(problem.code, `${request.routeOptions.url}: ${error instanceof Error ? error.message : error}`)
    return sendProblem(reply, problem)
  }

const retryAfterOf = (error: unknown): number | undefined =>
  error instanceof RecorderError ? error.retryAfterSeconds : undefined
