import type { Attributes, BatchObservableCallback, Meter } from '@opentelemetry/api'
import type { Instruments } from './metrics.js'

/** The calls without an answer yet, read when metrics are: counting them costs a call nothing but the counting. */
export interface InFlight {
  enter(operation: string): () => void
  close(): void
}

interface Flight {
  readonly attributes: Attributes
  calls: number
}

/** Of each meter: several instances of dockerode add up in one series, where an observation of each would be the last one's. */
const shared = new WeakMap<Meter, Map<string, Flight>>()

/** `beforeRead` is called before metrics are read. */
export function createInFlight(
  { meter, engine, apiInFlight }: Instruments,
  beforeRead: () => void,
): InFlight {
  const flights = shared.get(meter) ?? new Map<string, Flight>()
  shared.set(meter, flights)
  const address = String(engine['server.address'] ?? '')

  const observe: BatchObservableCallback = (result) => {
    beforeRead()
    for (const { attributes, calls } of flights.values()) result.observe(apiInFlight, calls, attributes)
  }
  meter.addBatchObservableCallback(observe, [apiInFlight])

  return {
    enter(operation) {
      const key = `${address} ${operation}`
      let flight = flights.get(key)
      if (flight === undefined) {
        flight = { attributes: { ...engine, 'docker.operation': operation }, calls: 0 }
        flights.set(key, flight)
      }
      const entered = flight
      entered.calls += 1
      return () => {
        entered.calls -= 1
      }
    },
    close: () => meter.removeBatchObservableCallback(observe, [apiInFlight]),
  }
}
