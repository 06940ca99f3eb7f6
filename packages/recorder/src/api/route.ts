import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import Type, { type TSchema } from 'typebox'
import type { Auth } from '../auth.js'
import type { ApiParts } from './parts.js'
import { problemOf, problemType, sendProblem } from './problem.js'
import { closed, Problem } from './schemas/common.js'

type Described = {
  method?: 'GET' | 'POST'
  url: string
  /** Who may beside `admin`, who may everything. */
  role: 'ingest' | 'read' | 'admin'
  tag: string
  summary: string
  description?: string
  query?: TSchema
  path?: TSchema
  /** Further refusals beside those of every route, by status. */
  refusals?: Record<number, string>
}

type JsonRoute = Described & {
  answer: TSchema
  /** Default for GET true: equal questions within a second are one. */
  shared?: boolean
  /** It answers also while the database is away. */
  withoutDatabase?: boolean
}

type StreamRoute = Described & {
  /** It answers also while the database is away. */
  withoutDatabase?: boolean
  contents: Record<string, TSchema>
  headers?: Record<string, TSchema>
}

type Asked = { query: unknown; path: unknown; request: FastifyRequest }

// What is not known is refused everywhere.
const noParameters = Type.Object({}, closed)

const refusal = (description: string) => ({ description, content: { [problemType]: { schema: Problem } } })

const everyRefusal = {
  400: 'A parameter is missing, wrong or not known',
  401: 'No bearer token, or one that is not valid',
  403: 'The role of the token does not allow it',
  429: 'Too many wrong tokens from this address',
  503: 'The database is away, or too many questions are under way: ask again',
  504: 'The query took longer than it may',
}

const schemaOf = (route: Described, answers: Record<number, object>): object => ({
  tags: [route.tag],
  summary: route.summary,
  description: [route.description, `Role: ${rolesOf[route.role].join(' or ')}.`]
    .filter((text) => text !== undefined)
    .join('\n\n'),
  security: [{ bearer: [] }],
  querystring: route.query ?? noParameters,
  ...(route.path === undefined ? {} : { params: route.path }),
  response: {
    ...answers,
    ...Object.fromEntries(
      Object.entries({ ...everyRefusal, ...route.refusals }).map(([status, text]) => [status, refusal(text)]),
    ),
  },
})

const rolesOf = {
  ingest: ['ingest', 'read', 'admin'],
  read: ['read', 'admin'],
  admin: ['admin'],
} as const

const guardOf = (auth: Auth, role: Described['role']) => auth.only(...rolesOf[role])

/** A route that answers with one JSON document. */
export const addJsonRoute = (
  api: FastifyInstance,
  { auth, coalesce, database }: ApiParts,
  route: JsonRoute,
  work: (asked: Asked) => Promise<unknown>,
): void => {
  const { method = 'GET', url, answer, shared = method === 'GET' } = route
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    if (route.withoutDatabase !== true) database.assertReady()
    const { query, params: path } = request
    const make = async (): Promise<string> => JSON.stringify(await work({ query, path, request }))
    const text = shared ? await coalesce(`${url} ${keyOf(path)} ${keyOf(query)}`, make) : await make()
    return reply.header('cache-control', 'no-store').type('application/json').send(text)
  }
  const schema = schemaOf(route, {
    200: { description: 'The answer', content: { 'application/json': { schema: answer } } },
  })
  api.route({ method, url, schema, onRequest: guardOf(auth, route.role), handler })
  refuseOtherMethods(api, url, method)
}

/** A route whose answer comes in pieces. */
export const addStreamRoute = (
  api: FastifyInstance,
  { auth, database }: ApiParts,
  route: StreamRoute,
  work: (asked: Asked, reply: FastifyReply) => Promise<FastifyReply>,
): void => {
  const { method = 'GET', url, contents, headers } = route
  const content = Object.fromEntries(Object.entries(contents).map(([type, schema]) => [type, { schema }]))
  const schema = schemaOf(route, {
    200: { description: 'The answer', content, ...(headers === undefined ? {} : { headers }) },
  })
  api.route({
    method,
    url,
    schema,
    exposeHeadRoute: false,
    onRequest: guardOf(auth, route.role),
    handler: async (request, reply) => {
      if (route.withoutDatabase !== true) database.assertReady()
      return work({ query: request.query, path: request.params, request }, reply)
    },
  })
  refuseOtherMethods(api, url, method)
}

const keyOf = (values: unknown): string =>
  JSON.stringify(Object.entries((values ?? {}) as object).sort(([a], [b]) => (a < b ? -1 : 1)))

const allMethods: readonly HTTPMethods[] = [
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'QUERY',
]

/** 405 instead of a 404 that denies a resource that is there. */
export const refuseOtherMethods = (api: FastifyInstance, url: string, known: 'GET' | 'POST'): void => {
  const allow = known === 'GET' ? 'GET, HEAD' : 'POST'
  const refuse = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
    sendProblem(reply.header('allow', allow), problemOf(405, 'HTTP', `${request.method} is none of ${allow}`))
  api.route({
    method: allMethods.filter((method) => method !== known),
    url,
    schema: { hide: true },
    exposeHeadRoute: false,
    // Before anybody looks at a body or its type.
    onRequest: refuse,
    handler: refuse,
  })
}
