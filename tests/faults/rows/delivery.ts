import type { Row, Scene } from '../row.js'
import { bodyOf, deliver, type HandSpan, spanOf } from '../sender.js'

const DAY_MS = 86_400_000

/** Records as bad senders and bad networks deliver them. They go to the recorder and to the Collector in turn. */
export const delivery: readonly Row[] = [
  {
    id: 'redelivery',
    title: 'records delivered twice, overlapping, reordered, by four at a time, a day late',
    pauseMs: 100,
    async inject(scene) {
      const how = scene.inTurn(['twice', 'overlapping', 'reordered', 'four at a time', 'a day late'] as const)
      const start = Date.now() - (how === 'a day late' ? DAY_MS : scene.dice.whole(0, 5_000))
      const { numbers, spans } = fresh(scene, 40, start)
      const send = (some: readonly HandSpan[]) =>
        deliver(portOf(scene), bodyOf(some), scene.world.stack.tokens.ingest)
      if (how === 'twice' || how === 'a day late') {
        await send(spans)
        await send(spans)
      } else if (how === 'overlapping') {
        await Promise.all([send(spans.slice(0, 30)), send(spans.slice(10))])
      } else if (how === 'reordered') {
        await Promise.all([send(spans.toReversed()), send(scene.dice.shuffle(spans)), send(spans)])
      } else await Promise.all([1, 2, 3, 4].map(() => send(spans)))
      for (const number of numbers) scene.journal.completed(number)
      return how
    },
  },
  {
    id: 'poison',
    title: 'records that can never be stored, among good ones',
    pauseMs: 100,
    async prepare({ journal }) {
      poisoned.set(journal, [])
    },
    async inject(scene) {
      const how = scene.inTurn(Object.keys(POISONS) as (keyof typeof POISONS)[])
      const { numbers, spans } = fresh(scene, 20, Date.now())
      const unused = scene.journal.ask()
      scene.journal.withdraw(unused)
      const bad = POISONS[how](spanOf(scene.journal, unused, Date.now()))
      const id = `poison.${scene.journal.prefix}${numbers[0]}`
      bad.attributes[0] = { key: 'correlation.id', value: { stringValue: id } }
      const at = scene.dice.whole(0, spans.length)
      await deliver(
        portOf(scene),
        bodyOf([...spans.slice(0, at), bad, ...spans.slice(at)]),
        scene.world.stack.tokens.ingest,
      )
      poisoned.get(scene.journal)?.push(id)
      for (const number of numbers) scene.journal.completed(number)
      return how
    },
    async check({ world, journal, fault, note }) {
      const ids = poisoned.get(journal) ?? []
      const found = await world.database.query<{ id: string; n: number }>(
        `SELECT id, (SELECT count(*)::int FROM throughline.dead_letter WHERE position(convert_to('"' || id || '"', 'UTF8') IN body) > 0) AS n
           FROM unnest($1::text[]) AS id`,
        [ids],
      )
      const wrong = found.filter(({ n }) => n !== 1)
      if (wrong.length > 0)
        fault(
          `of ${ids.length} bad records ${wrong.length} are not parked once, such as ${wrong[0]?.id}: ${wrong[0]?.n}`,
        )
      else note(`${ids.length} parked in dead_letter`)
      const [odd] = await world.database.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM pg_class WHERE relnamespace = 'throughline'::regnamespace AND relname ~ '^operations_(19|203|21)'`,
      )
      if ((odd?.n ?? 0) > 0) fault('a sender named a date and got a partition for it')
    },
  },
]

const poisoned = new WeakMap<Scene['journal'], string[]>()

const POISONS = {
  'start in 1970': (span) => ({ ...span, startTimeUnixNano: '1000000000', endTimeUnixNano: '2000000000' }),
  'start in 2038': (span) => ({
    ...span,
    startTimeUnixNano: '2146000000000000000',
    endTimeUnixNano: '2146000001000000000',
  }),
  'end before start': (span) => ({
    ...span,
    endTimeUnixNano: String(BigInt(span.startTimeUnixNano) - 1_000_000n),
  }),
  'too large': (span) => ({
    ...span,
    attributes: [
      span.attributes[0]!,
      {
        key: 'throughline.business',
        value: {
          stringValue: JSON.stringify(
            Array.from({ length: 1_500 }, (_, n) => ({
              name: `business.n${n}`,
              labels: { at: 'x'.repeat(20) },
              value: '1',
            })),
          ),
        },
      },
    ],
  }),
  'business values that are none': (span) => ({
    ...span,
    attributes: [
      span.attributes[0]!,
      { key: 'throughline.business', value: { stringValue: '[{"name":7}]' } },
    ],
  }),
} as const satisfies Record<string, (span: HandSpan) => HandSpan>

function fresh({ journal }: Scene, count: number, startMs: number): { numbers: number[]; spans: HandSpan[] } {
  const numbers = Array.from({ length: count }, () => journal.ask())
  return { numbers, spans: numbers.map((number, at) => spanOf(journal, number, startMs + at)) }
}

function portOf({ world, dice }: Scene): number {
  return dice.next() < 0.5 ? world.hops.deliver.port : world.hops.ship.port
}
