// What a tracked call costs, against hand-written OpenTelemetry in the same run. Budgets are ratios of CPU time a call.
import { compare, ratio } from './harness/compare.mjs'
import { importCost } from './harness/import-cost.mjs'

export const title = 'A tracked call'

/** `gate` is what a check fails on; where it differs from `target`, `why` says what a profile shows. */
const comparisons = [
  {
    name: 'metrics only (`record: false, span: false`)',
    ours: 'ours-metrics-only',
    theirs: 'hand',
    target: 0.13,
  },
  {
    name: 'under an unsampled parent, metrics kept, no row',
    ours: 'ours-unsampled',
    theirs: 'hand',
    target: 0.2,
    gate: 0.3,
    why: 'half of it is the one write of the context (AsyncContextFrame), which children need to find their parent',
  },
  {
    name: 'under an unsampled parent, metrics and row',
    ours: 'ours-unsampled-row',
    theirs: 'hand',
    target: undefined,
  },
  {
    name: 'sampled span, six attributes, metrics, exemplar; no row, exported to nowhere',
    ours: 'ours-span',
    theirs: 'hand',
    target: 0.55,
    gate: 0.9,
    why: "half of it is the snapshot of the six attributes with its search for secrets and the span in the shape that OpenTelemetry's exporters read; the rest is the context and the metrics",
  },
  {
    name: 'the same with the durable record, shipped; against hand-written with its OTLP export',
    ours: 'ours',
    theirs: 'hand-export',
    target: 0.85,
    gate: 1.0,
  },
  {
    name: 'the same, against hand-written with its export and a bare `writeSync` of as many bytes',
    ours: 'ours',
    theirs: 'hand-export-write',
    target: 0.75,
  },
  {
    name: 'without an SDK, against the same calls on the bare API',
    ours: 'ours-without-sdk',
    theirs: 'hand-without-sdk',
    target: 1.2,
  },
]

export async function run({ processes = 7, rounds = 5, calls = 20_000, onProgress }) {
  const names = [...new Set(['plain', ...comparisons.flatMap(({ ours, theirs }) => [theirs, ours])])]
  const results = await compare(names, { processes, rounds, calls, onProgress })
  const rows = comparisons.map(({ name, ours, theirs, target, gate = target, why }) => ({
    name,
    ours: results.get(ours).cpu,
    theirs: results.get(theirs).cpu,
    ratio: ratio(results, ours, theirs),
    target,
    gate,
    why,
  }))
  return {
    rows: [...rows, ...(await importCost(processes))],
    cases: Object.fromEntries(results),
  }
}
