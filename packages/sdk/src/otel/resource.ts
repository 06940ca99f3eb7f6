import { hostname } from 'node:os'
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import { type Attributes, encodeResource } from '@throughline/otlp'
import { type Config, resourceAttributes } from '../options.js'

/** Who sends: the same attributes for OpenTelemetry's SDK and for our own encoder. */
export interface Identity {
  readonly instance: string
  readonly resource: Resource
  readonly encoded: Uint8Array
}

export function identify(config: Config, instance: string): Identity {
  const attributes: Record<string, string | number> = {
    'host.name': hostname(),
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    'telemetry.sdk.language': 'nodejs',
    ...resourceAttributes(process.env),
    'service.name': config.serviceName,
    ...(config.serviceVersion === undefined ? {} : { 'service.version': config.serviceVersion }),
    'service.instance.id': instance,
  }
  return {
    instance,
    resource: resourceFromAttributes(attributes),
    encoded: encodeResource(attributes as Attributes),
  }
}
