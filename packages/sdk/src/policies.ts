import { DEFAULT_TRUST, type FailureLogger, hostTest, peerTest, type Trust } from '@throughline/core/runtime'
import { SdkError } from './errors.js'
import { type Env, list, oneOf } from './settings.js'

export type Temporality = 'cumulative' | 'delta'

/** Options of what crosses the border of the process, and of how it is counted and told. */
export interface PolicyOptions {
  /**
   * Whose correlation ID, trace context and baggage are taken over, by the address of the peer: `true`, `false`, `loopback`, `private`, a list
   * of these words, addresses and CIDR ranges, or a function. `THROUGHLINE_TRUST`. Default `private`.
   */
  trust?: Trust
  /**
   * The hosts that get the correlation ID, trace context and baggage: names such as `api.example.com` or `*.internal`, without port.
   * `THROUGHLINE_PROPAGATE_TO`. Default: every host. With a list, a request whose host is not known gets nothing.
   */
  propagateTo?: readonly string[]
  /** The baggage entries that may come in and go out, `THROUGHLINE_BAGGAGE_KEYS`. Default: none. */
  baggageKeys?: readonly string[]
  /**
   * Whether exported counters and histograms of the business count since the start (`cumulative`, the default) or since the last export.
   * `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`; `lowmemory` there is `delta`. The metrics page is always cumulative.
   */
  temporality?: Temporality
  /**
   * Gets one line for each failed operation: its IDs, error type, message and stack, then a sentence. The shape of pino's. The option `logger`
   * of a `track` goes before it.
   */
  logger?: FailureLogger
}

/** The same, with their defaults. */
export interface Policies {
  readonly trust: Trust
  readonly propagateTo: readonly string[] | undefined
  readonly baggageKeys: readonly string[]
  readonly temporality: Temporality
  readonly logger: FailureLogger | undefined
}

/** Each checked once, here. */
export function readPolicies(options: PolicyOptions, env: Env): Policies {
  const trust = options.trust ?? trustOf(env.THROUGHLINE_TRUST)
  const propagateTo = options.propagateTo ?? list(env.THROUGHLINE_PROPAGATE_TO)
  checked('trust (THROUGHLINE_TRUST)', () => peerTest(trust))
  if (propagateTo !== undefined)
    checked('propagateTo (THROUGHLINE_PROPAGATE_TO)', () => hostTest(propagateTo))
  const preference = env.OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE?.toLowerCase()
  return {
    trust,
    propagateTo,
    baggageKeys: options.baggageKeys ?? list(env.THROUGHLINE_BAGGAGE_KEYS) ?? [],
    temporality: oneOf(
      'temporality (OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE)',
      options.temporality ?? (preference === 'lowmemory' ? 'delta' : preference),
      ['cumulative', 'delta'],
    ),
    logger: options.logger,
  }
}

function trustOf(text: string | undefined): Trust {
  if (text === undefined) return DEFAULT_TRUST
  return text === 'true' || text === 'false' ? text === 'true' : (list(text) ?? [])
}

function checked(what: string, test: () => unknown): void {
  try {
    test()
  } catch (error) {
    throw new SdkError(
      'TL_OPTION_INVALID',
      `${what}: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}
