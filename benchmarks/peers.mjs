// The same call, wrapped by others. Nothing is gated: what each of them does for it differs, and is said.
import { compare, ratio } from './harness/compare.mjs'
import { installPeers } from './harness/install-peers.mjs'

export const title = 'A tracked call, by peers'

const peers = [
  { name: 'autometrics 1.0.1: two metrics, exported to nowhere', theirs: 'peers/cases/autometrics' },
  { name: 'autotel 7.9.0: span with six attributes, exported to nowhere', theirs: 'peers/cases/autotel' },
  {
    name: 'nestjs-otel 8.1.1: span with six attributes, exported to nowhere',
    theirs: 'peers/cases/nestjs-otel',
  },
  {
    name: 'dd-trace 6.21.0: span with six tags, encoded, sent to an agent that throws it away',
    theirs: 'peers/cases/dd-trace',
  },
  {
    name: 'Sentry 11.12.0: root span with six attributes, its envelope thrown away',
    theirs: 'peers/cases/sentry',
  },
  {
    name: 'hand-written OpenTelemetry: span, six attributes, two metrics, spans exported',
    theirs: 'hand-export',
  },
]

/** Ours is the whole of it: span, metrics with exemplars, the durable record, shipped. */
const OURS = 'ours'

export async function run({ processes = 5, rounds = 5, calls = 10_000, onProgress }) {
  await installPeers()
  const results = await compare([OURS, ...peers.map((peer) => peer.theirs)], {
    processes,
    rounds,
    calls,
    onProgress,
  })
  const rows = peers.map(({ name, theirs }) => ({
    name,
    ours: results.get(OURS).cpu,
    theirs: results.get(theirs).cpu,
    ratio: ratio(results, OURS, theirs),
  }))
  return { rows, cases: Object.fromEntries(results) }
}
