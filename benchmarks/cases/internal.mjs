import { track } from '@throughline/core'
import { installRuntime } from '@throughline/core/runtime'
import { createSequence } from '../../packages/sdk/dist/esm/lifecycle-records.js'
import { createBusinessMetrics } from '../../packages/sdk/dist/esm/metrics/business.js'
import { createOperationMetrics } from '../../packages/sdk/dist/esm/metrics/operations.js'
import { createNotices } from '../../packages/sdk/dist/esm/notices.js'
import { createOperationsRuntime } from '../../packages/sdk/dist/esm/operations-runtime.js'
import { readableSpan } from '../../packages/sdk/dist/esm/otel/readable-span.js'
import { attributes, otel, work } from './shared.mjs'

// The exporter to nowhere does not read it.
const resource = {}

/** track on the SDK's own runtime and OpenTelemetry's providers, without spool and export; `options` are those of `track`. */
export function oursWithoutExport(options, { withAttributes = true } = {}) {
  const { processor, contexts } = otel()
  const notices = createNotices(() => {})
  installRuntime(
    createOperationsRuntime({
      serviceName: 'bench',
      serviceVersion: undefined,
      instance: '',
      sequence: createSequence(),
      operations: createOperationMetrics('bench', notices, false),
      business: createBusinessMetrics(notices),
      spool: { append() {} },
      shipper: { wake() {} },
      notices,
      spansAreShared: false,
      contexts,
      sample: () => true,
      exportSpan: (operation, span) => processor.onEnd(readableSpan(operation, span, resource, notices)),
      logger: undefined,
      flush: async () => true,
    }),
  )
  return track('Billing.charge', work, {
    ...options,
    ...(withAttributes ? { metadata: ({ args }) => attributes(args[0]) } : {}),
  })
}
