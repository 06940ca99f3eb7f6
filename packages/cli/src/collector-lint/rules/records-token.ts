import { at, scalarAt } from '../document.js'
import type { Rule } from '../rule.js'

export const recordsToken: Rule = {
  name: 'records-token',
  reason:
    'The recorder answers 401 to a request without a bearer token, which the Collector takes for final: the records are dropped.',
  mend: 'headers: {authorization: "Bearer …"}, from the variable THROUGHLINE_INGEST_TOKEN as in otel-collector/base.yaml: a token that is not known is answered 503 and repeated.',
  check: ({ ways, component }) =>
    ways
      .filter(({ carries }) => carries === 'records')
      .flatMap(({ exporter }) => {
        const value = component('exporters', exporter.id)
        if (value === undefined || !/^otlp_(?:http|grpc)$/.test(exporter.type)) return []
        const headers = at(value, 'headers')
        const names = headers?.kind === 'map' ? [...headers.entries.keys()] : []
        if (names.some((name) => name.toLowerCase() === 'authorization')) return []
        if (scalarAt(value, 'auth', 'authenticator') !== undefined) return []
        return [
          {
            place: headers ?? value,
            severity: 'error' as const,
            what: `${exporter.id} sends records without a token`,
          },
        ]
      }),
}
