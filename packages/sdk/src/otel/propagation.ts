import type { ClientRequest, RequestOptions } from 'node:http'
import type { TextMapPropagator } from '@opentelemetry/api'
import { CorrelationPropagator } from '@throughline/core'
import {
  announceDestination,
  guardBoundary,
  hostOfOrigin,
  hostOfRequest,
  hostTest,
  peerTest,
  withBaggageKeys,
  withinBoundary,
} from '@throughline/core/runtime'
import { SdkError } from '../errors.js'
import type { Config } from '../options.js'

type Policies = Pick<Config, 'trust' | 'propagateTo' | 'baggageKeys' | 'propagators'>

/**
 * What `OTEL_PROPAGATORS` names (else trace context and allowed baggage) and always the correlation ID, each from trusted peers and to
 * allowed hosts alone. Imports OpenTelemetry's part
 * late, since its order among the imports is load-bearing (node-sdk.ts).
 */
export async function createPropagator(policies: Policies): Promise<TextMapPropagator> {
  const { CompositePropagator } = await import('@opentelemetry/core')
  const names = policies.propagators.includes('none') ? [] : [...new Set(policies.propagators)]
  const chosen = await Promise.all(names.map((name) => named(name, policies)))
  return new CompositePropagator({
    propagators: [...chosen.map(withinBoundary), new CorrelationPropagator()],
  })
}

async function named(name: string, { baggageKeys }: Policies): Promise<TextMapPropagator> {
  const { W3CBaggagePropagator, W3CTraceContextPropagator } = await import('@opentelemetry/core')
  if (name === 'tracecontext') return new W3CTraceContextPropagator()
  if (name === 'baggage') return withBaggageKeys(new W3CBaggagePropagator(), baggageKeys)
  if (name !== 'b3' && name !== 'b3multi')
    throw new SdkError(
      'TL_OPTION_INVALID',
      `OTEL_PROPAGATORS names '${name}': tracecontext, baggage, b3, b3multi or none is needed`,
    )
  const { B3InjectEncoding, B3Propagator } = await import('@opentelemetry/propagator-b3')
  return new B3Propagator({
    injectEncoding: name === 'b3' ? B3InjectEncoding.SINGLE_HEADER : B3InjectEncoding.MULTI_HEADER,
  })
}

/** Puts the policies in force for the process; returns what ends that. */
export function guardProcess({ trust, propagateTo }: Pick<Policies, 'trust' | 'propagateTo'>): () => void {
  return guardBoundary({
    trusts: peerTest(trust),
    mayReach: propagateTo === undefined ? undefined : hostTest(propagateTo),
  })
}

/** Options of the http instrumentation: its start hook knows the host, and runs right before headers are asked for. */
export const httpHooks = {
  startOutgoingSpanHook(request: RequestOptions | ClientRequest) {
    announceDestination(hostOfRequest(request as { hostname?: unknown; host?: unknown }))
    return {}
  },
}

/** The same of the undici instrumentation, which `fetch` goes through. */
export const undiciHooks = {
  startSpanHook(request: { readonly origin: unknown }) {
    announceDestination(hostOfOrigin(request.origin))
    return {}
  },
}
