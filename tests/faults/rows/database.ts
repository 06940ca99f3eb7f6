import { setTimeout as delay } from 'node:timers/promises'
import { until } from '@throughline/cli'
import { migrate, printMigrations } from '@throughline/postgres'
import pg from 'pg'
import { admitTokens } from '../../../packages/cli/src/stack/tokens.js'
import { expectedOf } from '../journal.js'
import type { Row, Scene } from '../row.js'
import { spanOf } from '../sender.js'

/** A database that is slow, shared, or being changed. */
export const database: readonly Row[] = [
  {
    id: 'slow-database',
    title: 'slow database: locked table, long transactions, checkpoints, partitions made under a reader',
    pauseMs: 200,
    async inject(scene) {
      const how = scene.inTurn([
        'table locked',
        'long transaction',
        'checkpoint',
        'partition under a reader',
      ] as const)
      const session = await scene.world.database.session()
      try {
        await session.query('BEGIN')
        if (how === 'table locked') {
          await session.query('LOCK TABLE throughline.operations IN SHARE MODE')
          await delay(scene.dice.whole(200, 900))
        } else if (how === 'long transaction') {
          // Sees the table as it was, and keeps every dead row and every lock of a reader until it ends.
          await session.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
          await session.query('SELECT count(*) FROM throughline.operations')
          await delay(scene.dice.whole(300, 900))
        } else if (how === 'partition under a reader') {
          await session.query('SELECT count(*) FROM throughline.operations')
          await scene.world.database.query('SELECT throughline.create_partition(current_date + $1::int)', [
            scene.dice.whole(4, 30),
          ])
        } else await scene.world.database.query('CHECKPOINT')
        await session.query('COMMIT')
      } finally {
        await session.end()
      }
      return how
    },
  },
  {
    id: 'two-recorders',
    title: 'two recorders on one database, one of them killed now and then',
    async prepare({ world }) {
      const second = await world.startRecorder('recorder-2')
      world.hops.deliver.targets = [world.stack.ports.recorder, Number(new URL(second.url).port)]
    },
    async inject({ world, dice }) {
      const part = dice.pick([world.recorder, await world.startRecorder('recorder-2')])
      await part.kill('SIGKILL')
      await delay(dice.whole(0, 300))
      await part.start()
      return 'kill'
    },
    async restore({ world }) {
      world.hops.deliver.targets = [world.stack.ports.recorder]
      await (await world.startRecorder('recorder-2')).stop()
    },
  },
  {
    id: 'migration',
    title:
      'migration of the schema under load, with a writer of the version before, killed in the middle of it',
    world: { before: makeOldSchema },
    once: true,
    async inject(scene) {
      const { world, dice } = scene
      const stop = new AbortController()
      const writing = writeAsBefore(scene, stop.signal)
      // Two start at once, as two recorders of a new version do; one of the two is killed on the way.
      await admitTokens(world.stack.databaseUrl, world.stack.tokens)
      const first = world.startRecorder().catch(() => undefined)
      const migrating = migrate(world.stack.databaseUrl)
      await until(
        () => world.stack.parts.some((part) => part.name === 'recorder' && part.pid !== undefined),
        {
          what: 'a recorder that starts',
          everyMs: 1,
        },
      )
      await delay(dice.whole(0, 400))
      await world.recorder.kill('SIGKILL')
      await first
      await world.startRecorder()
      await migrating
      stop.abort()
      await writing
      // A version that knows no rollups marks nothing: what it stored after they were made is marked by hand, as `mark_dirty` says.
      await world.database.query(
        `SELECT throughline.mark_dirty(minute) FROM (SELECT DISTINCT throughline.minute_of(started_at) AS minute
           FROM throughline.operations WHERE service = 'before') AS those`,
      )
      return 'migration'
    },
  },
]

/** The schema of the first version: three migrations. */
async function makeOldSchema(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const text = printMigrations()
    await client.query(text.slice(0, text.indexOf('-- 0004 ')))
    await client.query(
      `SELECT throughline.create_partition(current_date + n) FROM generate_series(-1, 1) AS n`,
    )
  } finally {
    await client.end()
  }
}

/** A recorder of the version before, as the database sees it: inserts that know the first schema alone. */
async function writeAsBefore({ world, journal }: Scene, signal: AbortSignal): Promise<void> {
  const client = await world.database.session()
  try {
    while (!signal.aborted) {
      const number = journal.ask()
      const span = spanOf(journal, number, Date.now())
      const { success, cents } = expectedOf(number)
      await client.query(
        `INSERT INTO throughline.operations
           (started_at, trace_id, span_id, duration_us, bucket, success, correlation_id, service, operation_service, operation, business)
         VALUES (now(), $1::uuid, $2, 3000, throughline.bucket($3), $4, $3, 'before', 'Hand', 'step', $5)`,
        [
          span.traceId,
          BigInt.asIntN(64, BigInt(`0x${span.spanId}`)).toString(),
          `${journal.prefix}${number}`,
          success,
          cents === 0
            ? null
            : JSON.stringify([{ name: 'business.faults.amount', labels: {}, value: '0.25' }]),
        ],
      )
      journal.completed(number)
      await delay(2)
    }
  } finally {
    await client.end()
  }
}
