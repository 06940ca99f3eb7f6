import pg from 'pg'

/** Tables of the example, in a schema of their own. `daily_rate` is what a day on the dyno is worth, in USD. */
const SCHEMA = `
  CREATE SCHEMA IF NOT EXISTS dyno;
  CREATE TABLE IF NOT EXISTS dyno.vehicles (
    id int PRIMARY KEY, model text NOT NULL, weight_kg int NOT NULL, drive text NOT NULL CHECK (drive IN ('2wd', 'awd')),
    site text NOT NULL CHECK (site IN ('dearborn', 'cologne')));
  CREATE TABLE IF NOT EXISTS dyno.dynos (
    id int PRIMARY KEY, name text NOT NULL, max_weight_kg int NOT NULL, awd boolean NOT NULL, is_backup boolean NOT NULL,
    site text NOT NULL, daily_rate numeric(10, 2) NOT NULL);
  CREATE TABLE IF NOT EXISTS dyno.allocations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, dyno_id int NOT NULL REFERENCES dyno.dynos, vehicle_id int NOT NULL,
    during daterange NOT NULL, backup_used boolean NOT NULL);
  CREATE INDEX IF NOT EXISTS allocations_by_dyno ON dyno.allocations (dyno_id);
`

/** 50 vehicles, and per site four dynos and one backup dyno that takes anything. */
const SEED = `
  TRUNCATE dyno.allocations;
  INSERT INTO dyno.vehicles
    SELECT n, 'prototype ' || n, 1200 + (n * 97) % 1800, CASE WHEN n % 3 = 0 THEN 'awd' ELSE '2wd' END,
           CASE WHEN n % 2 = 0 THEN 'dearborn' ELSE 'cologne' END
    FROM generate_series(1, 50) AS n ON CONFLICT DO NOTHING;
  INSERT INTO dyno.dynos
    SELECT s * 10 + n, site || '-' || n, 1800 + n * 300, n % 2 = 0 OR n = 5, n = 5, site, 99.90 + n * 15
    FROM (VALUES (0, 'dearborn'), (1, 'cologne')) AS sites (s, site), generate_series(1, 5) AS n ON CONFLICT DO NOTHING;
`

export function openPool(url: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: 8,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 5_000,
  })
  // An idle connection that breaks is replaced at the next query; without a listener it would end the process.
  pool.on('error', () => {})
  // The same for one that breaks while it is lent, between two queries: the next query tells it.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** Makes the tables and begins with no allocations. */
export async function resetExample(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(SCHEMA)
    await client.query(SEED)
  } finally {
    await client.end()
  }
}
