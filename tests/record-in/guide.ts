import { business, currentOperation, track } from '@throughline/core'
import { fromDrizzle, fromKnex, fromKysely, recordIn } from '@throughline/postgres/record-in'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import knexOf from 'knex'
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import postgres from 'postgres'

const connectionString = process.env.DATABASE_URL ?? ''
const pool = new pg.Pool({ connectionString })
const drizzleDb = drizzle(pool)
const kysely = new Kysely<{ bookings: { vehicle: number } }>({ dialect: new PostgresDialect({ pool }) })
const knex = knexOf({ client: 'pg', connection: connectionString, pool: { min: 0, max: 2 } })
const postgresJs = postgres(connectionString, { max: 2, onnotice() {} })

const value = business.money('booking.value', { currency: 'USD' })

export const book = track('Shop.book', async (vehicle: number) => {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    await client.query('INSERT INTO bookings (vehicle) VALUES ($1)', [vehicle])
    currentOperation()?.set({ vehicle })
    value.add('129.90')
    await recordIn(client, currentOperation())
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
})

export const bookWithDrizzle = track('Shop.book', (vehicle: number) =>
  drizzleDb.transaction(async (tx) => {
    await tx.execute(sql`INSERT INTO bookings (vehicle) VALUES (${vehicle})`)
    await recordIn(fromDrizzle(tx, sql), currentOperation())
  }),
)

export const bookWithKysely = track('Shop.book', (vehicle: number) =>
  kysely.transaction().execute(async (trx) => {
    await trx.insertInto('bookings').values({ vehicle }).execute()
    await recordIn(fromKysely(trx, CompiledQuery), currentOperation())
  }),
)

export const bookWithKnex = track('Shop.book', (vehicle: number) =>
  knex.transaction(async (trx) => {
    await trx('bookings').insert({ vehicle })
    await recordIn(fromKnex(trx), currentOperation())
  }),
)

export const bookWithPostgresJs = track('Shop.book', (vehicle: number) =>
  postgresJs.begin(async (tx) => {
    await tx`INSERT INTO bookings (vehicle) VALUES (${vehicle})`
    await recordIn({ query: (text, values) => tx.unsafe(text, values) }, currentOperation())
  }),
)

/** What a user may get wrong: each of these begins transactions, and is none. */
export const outside = {
  pool: () => recordIn(pool, currentOperation()),
  drizzle: () => recordIn(fromDrizzle(drizzleDb as never, sql), currentOperation()),
  kysely: () => recordIn(fromKysely(kysely, CompiledQuery), currentOperation()),
  knex: () => recordIn(fromKnex(knex), currentOperation()),
}

export const close = async (): Promise<void> => {
  await kysely.destroy()
  await Promise.all([knex.destroy(), postgresJs.end()])
}
