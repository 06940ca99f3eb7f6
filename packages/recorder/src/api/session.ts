import type { FastifyInstance } from 'fastify'
import type { ApiParts } from './parts.js'
import { addJsonRoute } from './route.js'
import { SessionAnswer } from './schemas/health.js'

/** `GET /v1/session`: what a token may, and where the other places are. */
export const addSessionRoute = (api: FastifyInstance, parts: ApiParts): void => {
  const { settings, auth, model } = parts
  addJsonRoute(
    api,
    parts,
    {
      url: '/v1/session',
      role: 'read',
      tag: 'recorder',
      summary: 'What this token may, and what the recorder knows of other places',
      answer: SessionAnswer,
      shared: false,
    },
    async ({ request }): Promise<SessionAnswer> => ({
      role: auth.roleOf(request),
      auth: settings.auth,
      jaegerUrl: settings.jaegerUrl || null,
      prometheusUrl: settings.prometheusUrl || null,
      seriesLink: settings.seriesLink || null,
      valueModel: model?.name ?? null,
      retentionDays: settings.retentionDays,
    }),
  )
}
