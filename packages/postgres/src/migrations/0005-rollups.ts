// One row holds 30 buckets a minute and 200 an hour in real data (scale 5, error of a value at most 1.09 %); key is
// md5 of the names, as four texts of 512 bytes would make an index row of up to 2 kB.
// Marks are append-only without a unique key: with one, a second writer's mark would be skipped against the one that a
// worker is deleting, and its rows would be missed.
// The marks at the end: what was stored before this migration is summed up like the rest.
export const rollups = `
CREATE TABLE throughline.rollup_marks (
  start timestamptz NOT NULL,
  marked_at timestamptz NOT NULL DEFAULT now(),
  level "char" NOT NULL DEFAULT 'm'
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE INDEX rollup_marks_start ON throughline.rollup_marks (level, start);

COMMENT ON TABLE throughline.rollup_marks IS
  'Minutes (m) that got rows, hours (h) that got minutes, days (d) that got hours, and are not summed up yet. Readers take them from the level below.';

CREATE FUNCTION throughline.minute_of(at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT date_bin('1 minute', at, '2000-01-01 00:00:00+00') $$;

CREATE FUNCTION throughline.hour_of(at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT date_bin('1 hour', at, '2000-01-01 00:00:00+00') $$;

CREATE FUNCTION throughline.day_of(at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT date_bin('24 hours', at, '2000-01-01 00:00:00+00') $$;

CREATE FUNCTION throughline.mark_dirty(started_at timestamptz) RETURNS void
LANGUAGE sql VOLATILE
AS $$ INSERT INTO throughline.rollup_marks (start) VALUES (throughline.minute_of(started_at)) $$;

COMMENT ON FUNCTION throughline.mark_dirty(timestamptz) IS
  'To be called in the transaction that adds or changes a row of operations by hand: its minute is summed up again.';

CREATE FUNCTION throughline.duration_bucket(duration_us int8) RETURNS int2
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT CASE WHEN duration_us > 0 THEN (ceil(ln(duration_us::float8) * 46.16624130844683) - 1)::int2 ELSE (-32768)::int2 END $$;

COMMENT ON FUNCTION throughline.duration_bucket(int8) IS
  'Index of the exponential histogram of OpenTelemetry at scale 5 (base 2^(1/32)) over microseconds; -32768 is zero.';

CREATE TABLE throughline.rollup_operations (
  start timestamptz NOT NULL,
  key uuid NOT NULL,
  count int8 NOT NULL,
  failures int8 NOT NULL,
  min_us int8 NOT NULL,
  max_us int8 NOT NULL,
  other_errors int8 NOT NULL,
  level "char" NOT NULL,
  grain "char" NOT NULL,
  sum_us numeric NOT NULL,
  service text NOT NULL,
  service_version text NOT NULL,
  operation_service text NOT NULL,
  operation text NOT NULL,
  buckets int2[] NOT NULL,
  bucket_counts int8[] NOT NULL,
  error_types text[] NOT NULL,
  error_counts int8[] NOT NULL,
  PRIMARY KEY (level, grain, start, key)
);

COMMENT ON TABLE throughline.rollup_operations IS
  'Sums per minute (level m), hour (h) and day (d, UTC), of each operation (grain o), of each service and version (s) and of all (a): names that a grain has not, an absent version and an absent error type are empty texts; error_types are the 20 most frequent, the failures of the rest are other_errors.';

CREATE TABLE throughline.rollup_business (
  start timestamptz NOT NULL,
  key uuid NOT NULL,
  entries int8 NOT NULL,
  observations int8 NOT NULL,
  level "char" NOT NULL,
  sum numeric NOT NULL,
  service text NOT NULL,
  operation_service text NOT NULL,
  operation text NOT NULL,
  name text NOT NULL,
  kind text NOT NULL,
  labels jsonb NOT NULL,
  PRIMARY KEY (level, start, key)
);

COMMENT ON TABLE throughline.rollup_business IS
  'Exact sums of the business values per name and labels. kind is sum or histogram; gauges are no sums and are not here. entries: how many records; observations: how many values of a histogram.';

CREATE TABLE throughline.rollup_users (
  start timestamptz NOT NULL,
  chunk int4 NOT NULL,
  level "char" NOT NULL,
  operation_service text NOT NULL,
  users text[] NOT NULL,
  counts int8[] NOT NULL,
  failures int8[] NOT NULL,
  PRIMARY KEY (level, start, operation_service, chunk)
);

COMMENT ON TABLE throughline.rollup_users IS
  'Operations per user, as arrays of at most 10,000 users: a row for each user of an hour would be nearly a copy of operations.';

CREATE TABLE throughline.rollup_floor (
  one bool PRIMARY KEY DEFAULT true CHECK (one),
  floor timestamptz NOT NULL
);
INSERT INTO throughline.rollup_floor (floor) VALUES ('-infinity');

COMMENT ON TABLE throughline.rollup_floor IS
  'Rows that started before the floor are gone or about to go: their sums stay as they are and are never computed again.';

CREATE FUNCTION throughline.close_rollup_day(day date) RETURNS bool
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  from_time timestamptz := day::timestamp AT TIME ZONE 'UTC';
  until_time timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
  -- Floor and day are one lock order with the worker: it holds the day while it reads the rows.
  PERFORM pg_advisory_xact_lock(730547221400000 + (day - date '2000-01-01'));
  PERFORM FROM throughline.rollup_marks WHERE level = 'm' AND start >= from_time AND start < until_time LIMIT 1;
  IF FOUND THEN
    RETURN false;
  END IF;
  UPDATE throughline.rollup_floor SET floor = greatest(floor, until_time);
  RETURN true;
END
$$;

COMMENT ON FUNCTION throughline.close_rollup_day(date) IS
  'Call and commit it before the partition of the day is detached. False: the day has rows that are not summed up yet, keep it for now. Days are closed from the oldest on.';

INSERT INTO throughline.rollup_marks (start)
SELECT minute FROM (
  SELECT to_date(substr(child.relname, 12), 'YYYYMMDD') AS day
  FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
  WHERE inhparent = 'throughline.operations'::regclass AND child.relname ~ '^operations_[0-9]{8}$'
) partition, LATERAL generate_series(
  partition.day::timestamp AT TIME ZONE 'UTC',
  least((partition.day + 1)::timestamp AT TIME ZONE 'UTC', now() + interval '1 day') - interval '1 minute',
  interval '1 minute'
) minute
WHERE EXISTS (SELECT FROM throughline.operations);
`
