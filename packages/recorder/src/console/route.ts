import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { readSite, type Site } from './site.js'

// Nothing but its own files, and no text that becomes code or markup: a name out of a row stays a name.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const headers = {
  'content-security-policy': policy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  vary: 'accept-encoding',
}

// No part of the API that /openapi.json describes.
const hidden = { schema: { hide: true } }

/** The console: a page, its script and its style. They tell nothing that is not public; what they show needs a token. */
export const addConsole = (app: FastifyInstance): void => {
  let site: Promise<Site> | undefined

  const send = async (path: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    site ??= readSite()
    const files = await site.catch((): Site => {
      site = undefined
      return new Map()
    })
    const file = files.get(path)
    if (file === undefined && path === '/')
      return reply.type('text/plain').send('Throughline recorder. The console was not built: npm run build\n')
    if (file === undefined) {
      reply.callNotFound()
      return reply
    }
    reply.headers(headers)
    reply.header('etag', file.etag)
    // The names of the others change with what is in them.
    reply.header('cache-control', path === '/' ? 'no-cache' : 'public, max-age=31536000, immutable')
    if (request.headers['if-none-match'] === file.etag) return reply.code(304).send()
    reply.type(file.type)
    if (!/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) return reply.send(file.body)
    return reply.header('content-encoding', 'gzip').send(file.gzipped)
  }

  app.get('/', hidden, (request, reply) => send('/', request, reply))
  app.get<{ Params: { file: string } }>('/assets/:file', hidden, (request, reply) =>
    send(`/assets/${request.params.file}`, request, reply),
  )
}
