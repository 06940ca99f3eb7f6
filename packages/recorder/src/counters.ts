/** What the recorder counts since it started; `docs/reference/metrics.md` says what each one means. */
const names = [
  'throughline.recorder.requests',
  'throughline.recorder.request_bytes',
  'throughline.recorder.rows',
  'throughline.recorder.duplicates',
  'throughline.recorder.rolled_back',
  'throughline.recorder.lifecycle',
  'throughline.recorder.synthetic',
  'throughline.recorder.dead_letters',
  'throughline.recorder.refusals',
  'throughline.recorder.unknown_bearers',
  'throughline.recorder.writes',
  'throughline.recorder.write_failures',
  'throughline.recorder.confirms',
] as const

type CounterName = (typeof names)[number]

export type Counters = {
  count: (name: CounterName, by?: number) => void
  /** One request that was not answered 200, by its code. */
  refuse: (code: string) => void
  values: () => Record<CounterName, number>
  /** `throughline.recorder.refusals` by reason. */
  refusals: () => Record<string, number>
}

export const createCounters = (): Counters => {
  const values = Object.fromEntries(names.map((name) => [name, 0])) as Record<CounterName, number>
  const refusals = new Map<string, number>()
  const count: Counters['count'] = (name, by = 1) => {
    values[name] += by
  }
  return {
    count,
    refuse(code) {
      count('throughline.recorder.refusals')
      refusals.set(code, (refusals.get(code) ?? 0) + 1)
    },
    values: () => ({ ...values }),
    refusals: () => Object.fromEntries([...refusals].sort()),
  }
}
