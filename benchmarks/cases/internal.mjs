import { track } from '@throughline/core'
import { installRuntime } from '@throughline/core/runtime'
import { createBusinessMetrics } from '../../packages/sdk/dist/esm/metrics/business.js'
import { createOperationMetrics } from '../../packages/sdk/dist/esm/metrics/operations.js'
import { createNotices } from '../../packages/sdk/dist/esm/notices.js'
import { createOperationsRuntime } from '../../packages/sdk/dist/esm/operations-runtime.js'
import { attributes, otel, work } from './shared.mjs'

/** track on the SDK's own runtime and OpenTelemetry's providers, without spool and export; `options` are those of `track`. */
export function oursWithoutExport(options, { withAttributes = true } = {}) {
  otel()
  const notices = createNotices(() => {})
  installRuntime(
    createOperationsRuntime({
      serviceName: 'bench',
      operations: createOperationMetrics('bench', notices, false),
      business: createBusinessMetrics(notices),
      spool: { append() {} },
      shipper: { wake() {} },
      notices,
      spansAreShared: false,
      sample: undefined,
      logger: undefined,
      flush: async () => true,
    }),
  )
  return track('Billing.charge', work, {
    ...options,
    ...(withAttributes ? { metadata: ({ args }) => attributes(args[0]) } : {}),
  })
}
