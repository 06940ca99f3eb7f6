import { DiagLogLevel, diag } from '@opentelemetry/api'
import { track } from '@throughline/core'
import { installRuntime, slot } from '@throughline/core/runtime'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

const runtime = { name: 'one', serviceName: 'one', start() {}, end() {}, measure() {}, notice() {} }

let said: string[]
let warned: string[]
const onWarning = (warning: Error) => void warned.push(`${warning.name}: ${warning.message}`)
beforeEach(() => {
  said = []
  warned = []
  delete slot.early
  const silent = () => {}
  diag.setLogger(
    { error: silent, warn: (text) => void said.push(text), info: silent, debug: silent, verbose: silent },
    DiagLogLevel.WARN,
  )
  process.on('warning', onWarning)
  vi.unstubAllEnvs()
})
afterEach(() => {
  process.off('warning', onWarning)
  diag.disable()
  vi.unstubAllEnvs()
})

/** A warning of the process comes a turn later. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('a tracked call without an SDK', () => {
  test("is said once, to OpenTelemetry's diagnostic logger", async () => {
    const charge = track('Billing.charge', (amount: number) => amount)
    expect([charge(1), charge(2), track('Other.call', () => 3)()]).toEqual([1, 2, 3])
    await turn()
    expect(said).toEqual([expect.stringMatching(/^Billing\.charge was called, and no SDK .* is started/)])
    expect(warned).toEqual([])
  })

  test('is a warning of the process where a variable of ours is set: there it was meant to be recorded', async () => {
    vi.stubEnv('THROUGHLINE_SPOOL_DIR', '/var/spool/throughline')
    const charge = track('Billing.charge', () => 1)
    expect([charge(), charge()]).toEqual([1, 1])
    await turn()
    expect(warned).toEqual([expect.stringMatching(/^ThroughlineWarning: Billing\.charge was called/)])
    expect(said).toEqual([])
  })

  test("is nobody's business where telemetry is switched off", async () => {
    vi.stubEnv('OTEL_SDK_DISABLED', 'true')
    vi.stubEnv('THROUGHLINE_SPOOL_DIR', '/var/spool/throughline')
    track(() => 1)()
    await turn()
    expect([said, warned]).toEqual([[], []])
  })

  test('is not said of calls after a shutdown', () => {
    installRuntime(runtime)()
    track(() => 1)()
    expect(said).toEqual([])
  })

  test('costs nothing when the logger throws', () => {
    const silent = () => {}
    const warn = () => {
      throw new Error('no')
    }
    diag.setLogger(
      { error: silent, warn, info: silent, debug: silent, verbose: silent },
      { suppressOverrideMessage: true },
    )
    expect(track(() => 1)()).toBe(1)
  })
})
