// Takes messages from a queue in Postgres, one after the other, and works on each under the ID of its sender.
import { setTimeout as pause } from 'node:timers/promises'
import { correlation, track } from '@throughline/core'
import pg from 'pg'

const database = new pg.Client({ connectionString: process.env.DATABASE_URL })
await database.connect()
const ship = track('Orders.ship', async () => correlation.id())

console.log('waiting')
for (;;) {
  const { rows } = await database.query(`DELETE FROM jobs WHERE id = (
    SELECT id FROM jobs ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING headers`)
  if (rows.length > 0) console.log(`shipped ${await correlation.extract(rows[0].headers, ship)}`)
  else await pause(20)
}
