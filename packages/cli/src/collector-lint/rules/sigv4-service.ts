import { scalarAt, scalarsBelow } from '../document.js'
import type { Rule } from '../rule.js'

/** The OTLP endpoint of CloudWatch metrics. */
const CLOUDWATCH = /monitoring\.[^/]*amazonaws\.com|THROUGHLINE_CLOUDWATCH_URL/

export const sigv4Service: Rule = {
  name: 'sigv4-service',
  reason:
    'CloudWatch answers 403 to a request that is not signed for the service `monitoring`, and the Collector drops it for good.',
  mend: 'extensions: {sigv4auth/cloudwatch: {region: …, service: monitoring}} and auth: {authenticator: sigv4auth/cloudwatch}.',
  check({ ways, component, components }) {
    const unnamed = components('extensions', 'sigv4auth')
      .filter(({ value }) => scalarAt(value, 'service') === undefined)
      .map(({ id, value }) => ({
        place: value,
        severity: 'error' as const,
        what: `${id} names no service: it is guessed from the host`,
      }))
    const wrong = ways.flatMap(({ exporter, signal }) => {
      const value = component('exporters', exporter.id)
      if (value === undefined || signal !== 'metrics') return []
      if (!scalarsBelow(value).some(({ raw }) => CLOUDWATCH.test(raw))) return []
      const signer = scalarAt(value, 'auth', 'authenticator')
      if (signer === undefined)
        return [
          { place: value, severity: 'error' as const, what: `${exporter.id} does not sign its requests` },
        ]
      const service = scalarAt(component('extensions', signer.raw), 'service')
      if (service === undefined || !service.known || service.text === 'monitoring') return []
      const what = `${signer.raw} signs for ${service.text}, and ${exporter.id} sends to CloudWatch metrics`
      return [{ place: service, severity: 'error' as const, what }]
    })
    return [...unnamed, ...wrong]
  },
}
