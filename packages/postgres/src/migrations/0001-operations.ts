// 8-byte columns first, then 2 and 1, then the variable ones: no padding between them.
// The key begins with the time: inserts go to the right edge of the index, and the partition column must be in it.
// Advisory lock 7305472211: an arbitrary number, the same in every process that makes partitions.
export const operations = `
CREATE TABLE throughline.operations (
  started_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  trace_id uuid NOT NULL,
  span_id int8 NOT NULL,
  parent_span_id int8,
  duration_us int8 NOT NULL,
  seq int8,
  instance uuid,
  bucket int2 NOT NULL,
  success bool NOT NULL,
  correlation_id text NOT NULL,
  service text NOT NULL,
  service_version text,
  operation_service text NOT NULL,
  operation text NOT NULL,
  user_id text,
  error_type text,
  error_message text,
  error_stack text,
  metadata jsonb,
  business jsonb,
  PRIMARY KEY (started_at, trace_id, span_id)
) PARTITION BY RANGE (started_at);

CREATE INDEX operations_correlation_id ON throughline.operations (correlation_id);
CREATE INDEX operations_started_at ON throughline.operations USING brin (started_at);

COMMENT ON TABLE throughline.operations IS
  'One row per completed operation; (started_at, trace_id, span_id) is its identity. Read the view throughline.metrics: it is the part that stays as it is.';

CREATE FUNCTION throughline.bucket(correlation_id text) RETURNS int2
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT ((('x' || substr(md5(correlation_id), 1, 3))::bit(12))::int4 >> 2)::int2 $$;

COMMENT ON FUNCTION throughline.bucket(text) IS
  'The first 10 bits of md5 of the correlation ID: a stable sample of whole requests.';

CREATE FUNCTION throughline.create_partition(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET lock_timeout = '3s'
AS $$
DECLARE
  partition text := 'operations_' || to_char(day, 'YYYYMMDD');
  lower_bound timestamptz := day::timestamp AT TIME ZONE 'UTC';
  upper_bound timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
  IF day IS NULL OR day < current_date - 3660 OR day > current_date + 31 THEN
    RAISE EXCEPTION 'no partition is made for %: more than 3,660 days back or 31 days ahead', day
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  -- Not to_regclass: it may answer the second time from what this session remembers of the first.
  IF EXISTS (SELECT FROM pg_class WHERE relname = partition AND relnamespace = 'throughline'::regnamespace) THEN
    RETURN false;
  END IF;
  PERFORM pg_advisory_xact_lock(7305472211);
  IF EXISTS (SELECT FROM pg_class WHERE relname = partition AND relnamespace = 'throughline'::regnamespace) THEN
    RETURN false;
  END IF;
  -- CREATE TABLE ... PARTITION OF would hold an exclusive lock on the parent, and every writer would queue behind it.
  -- ATTACH holds a lock that writers do not mind, and the check that says the same as the bounds spares it the scan.
  EXECUTE format(
    'CREATE TABLE throughline.%I (LIKE throughline.operations INCLUDING ALL, CONSTRAINT day_bounds CHECK (started_at >= %L AND started_at < %L))',
    partition, lower_bound, upper_bound);
  EXECUTE format(
    'ALTER TABLE throughline.operations ATTACH PARTITION throughline.%I FOR VALUES FROM (%L) TO (%L)',
    partition, lower_bound, upper_bound);
  EXECUTE format('ALTER TABLE throughline.%I DROP CONSTRAINT day_bounds', partition);
  RETURN true;
END
$$;

REVOKE EXECUTE ON FUNCTION throughline.create_partition(date) FROM PUBLIC;
`
