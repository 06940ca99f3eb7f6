// What a compiled fixture does, as lines: its results in its own words, and each operation that ended.
import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { correlation } from '@throughline/core'
import { installRuntime } from '@throughline/core/runtime'

export async function record(run) {
  const lines = []
  const manager = new AsyncLocalStorageContextManager().enable()
  context.setGlobalContextManager(manager)
  const uninstall = installRuntime({
    name: 'recording runtime',
    serviceName: 'tests',
    start: () => {},
    end: ({ names, correlationId, userId, outcome, failure }) =>
      lines.push(
        ['operation', names.spanName, correlationId, userId, outcome, failure?.type]
          .filter(Boolean)
          .join(' '),
      ),
    measure: () => {},
    notice: (reason, detail) => lines.push(`notice ${reason} ${detail}`),
  })
  try {
    await correlation.run('order-1', () => run((...parts) => lines.push(parts.join(' '))))
  } finally {
    uninstall()
    context.disable()
  }
  return lines
}
