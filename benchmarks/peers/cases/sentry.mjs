import * as Sentry from '@sentry/node'
import { attributes, work } from './shared.mjs'

/** A root span with six attributes a call, its envelope thrown away. */
export async function setup() {
  Sentry.init({
    dsn: 'http://key@127.0.0.1:9/1',
    tracesSampleRate: 1,
    defaultIntegrations: false,
    transport: () => ({ send: async () => ({ statusCode: 200 }), flush: async () => true }),
  })
  return {
    call: (i) => Sentry.startSpan({ name: 'Billing.charge', attributes: attributes(i) }, () => work(i)),
  }
}
