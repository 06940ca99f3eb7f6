// What an SDK without any instrumentation brings: contexts that follow calls, and an end for operations, here a line each.
import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { installRuntime } from '@throughline/core/runtime'

const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
installRuntime({
  name: 'printing runtime',
  serviceName: 'front',
  start: () => {},
  end: ({ names, correlationId, userId, outcome }) =>
    print({ operation: names.spanName, correlationId, userId, outcome }),
  measure: () => {},
  notice: (notice) => print({ notice }),
})
