import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import { SdkError } from '../errors.js'
import type { Notices } from '../notices.js'
import type { ScopeMetrics } from './exporter.js'
import { toOpenMetrics } from './openmetrics.js'

const CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

export interface MetricsPage {
  readonly url: string
  close(): Promise<void>
}

/** Serves `GET /metrics`. Listens on loopback unless the host says otherwise; does not hold the process alive. */
export async function openMetricsPage(
  host: string,
  port: number,
  collect: () => Promise<ScopeMetrics[]>,
  notices: Notices,
): Promise<MetricsPage> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('The metrics are at /metrics\n')
      return
    }
    collect().then(
      (scopes) => {
        const text = toOpenMetrics(scopes, (what) => notices.note('metric_name_taken', what))
        response.writeHead(200, { 'content-type': CONTENT_TYPE }).end(text)
      },
      (error: unknown) => {
        notices.note(
          'internal_error',
          `metrics page: ${error instanceof Error ? error.message : String(error)}`,
        )
        response.writeHead(500, { 'content-type': 'text/plain' }).end('The metrics could not be collected\n')
      },
    )
  })
  server.unref()
  await context.with(suppressTracing(ROOT_CONTEXT), () => listen(server, host, port))
  const at = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${at.port}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error)
      reject(
        new SdkError(
          'TL_METRICS_PORT_TAKEN',
          `port ${port} of the metrics page is taken; set metricsPort or THROUGHLINE_METRICS_PORT to another`,
          { cause: error },
        ),
      )
    })
    server.listen(port, host, resolve)
  })
}
