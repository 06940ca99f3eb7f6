// Three group roles of the cluster, made where the migrating role may (else everything works as the one role that
// owns it all). A login gets its rights with GRANT throughline_writer TO it.
//
// A writer may add and read, never change or delete what is stored. What needs more it gets as a function with the
// owner's rights and a fixed search_path: partitions within bounds, merging what was delivered. Retention is the
// owner's: DETACH CONCURRENTLY can run in no function.
//
// grant_roles is run again by every migration that adds something, and by `throughline migrate`, so that roles which
// were made later get their rights too.
export const roles = `
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['throughline_owner', 'throughline_writer', 'throughline_reader'] LOOP
    CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = wanted);
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    EXCEPTION
      WHEN insufficient_privilege THEN
        RAISE NOTICE 'role % is not there and % may not make it', wanted, current_user;
      WHEN duplicate_object OR unique_violation THEN
        NULL; -- another database of this cluster is being migrated at this moment
    END;
  END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION throughline.create_partition(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET lock_timeout = '3s'
AS $$
DECLARE
  partition text := 'operations_' || to_char(day, 'YYYYMMDD');
  lower_bound timestamptz := day::timestamp AT TIME ZONE 'UTC';
  upper_bound timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
  attached bool;
BEGIN
  IF day IS NULL OR day < current_date - 3660 OR day > current_date + 31 THEN
    RAISE EXCEPTION 'no partition is made for %: more than 3,660 days back or 31 days ahead', day
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  FOR attempt IN 1..2 LOOP
    -- Not to_regclass: it may answer the second time from what this session remembers of the first.
    SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid AND NOT inhdetachpending) INTO attached
      FROM pg_class AS c WHERE relname = partition AND relnamespace = 'throughline'::regnamespace;
    IF attached THEN
      RETURN false;
    ELSIF NOT attached THEN
      RAISE EXCEPTION 'partition % is being dropped by the retention', partition
        USING ERRCODE = 'object_in_use', HINT = 'The next run of the retention ends it.';
    END IF;
    -- Looked up once more behind the lock: another session may have made it meanwhile.
    PERFORM pg_advisory_xact_lock(7305472211);
  END LOOP;
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

CREATE FUNCTION throughline.merge_delivered() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  before bigint;
  after bigint;
BEGIN
  IF NOT pg_try_advisory_xact_lock(7305472213) THEN
    RETURN 0;
  END IF;
  WITH piece AS (
    SELECT ctid AS place, instance, lo, hi,
      max(hi) OVER (PARTITION BY instance ORDER BY lo, hi ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
    FROM throughline.delivered
  ), numbered AS (
    SELECT place, instance,
      count(*) FILTER (WHERE reached IS NULL OR lo - 1 > reached) OVER (PARTITION BY instance ORDER BY lo, hi) AS island
    FROM piece
  ), touching AS (
    SELECT place, instance, island FROM (
      SELECT *, count(*) OVER (PARTITION BY instance, island) AS pieces FROM numbered
    ) AS counted WHERE pieces > 1
  ), gone AS (
    DELETE FROM throughline.delivered AS d USING touching AS t WHERE d.ctid = t.place
    RETURNING t.island, d.instance, d.lo, d.hi, d.received, d.recorded_at
  ), merged AS (
    INSERT INTO throughline.delivered (instance, lo, hi, received, recorded_at)
    SELECT instance, min(lo), max(hi), sum(received), max(recorded_at) FROM gone GROUP BY instance, island
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM merged) INTO before, after;
  RETURN before - after;
END
$$;

COMMENT ON FUNCTION throughline.merge_delivered() IS
  'Joins rows of throughline.delivered that touch or overlap; answers how many rows that saved. Loses no number and no count.';

CREATE FUNCTION throughline.grant_roles() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  entry record;
BEGIN
  REVOKE EXECUTE ON FUNCTION throughline.create_partition(date) FROM PUBLIC;
  REVOKE EXECUTE ON FUNCTION throughline.merge_delivered() FROM PUBLIC;
  REVOKE EXECUTE ON FUNCTION throughline.grant_roles() FROM PUBLIC;

  FOR entry IN SELECT * FROM (VALUES
    ('throughline_writer', 'operations', 'SELECT, INSERT'),
    ('throughline_writer', 'dead_letter', 'SELECT, INSERT'),
    ('throughline_writer', 'in_tx', 'SELECT, INSERT'),
    ('throughline_writer', 'instances', 'SELECT, INSERT, UPDATE'),
    ('throughline_writer', 'delivered', 'SELECT, INSERT'),
    ('throughline_writer', 'schema_version', 'SELECT'),
    ('throughline_writer', 'tokens', 'SELECT, UPDATE (last_used_at)'),
    ('throughline_writer', 'metrics', 'SELECT'),
    ('throughline_writer', 'rollup%', 'SELECT, INSERT, UPDATE, DELETE'),
    ('throughline_writer', 'value_reports', 'SELECT, INSERT'),
    ('throughline_reader', 'value_reports', 'SELECT'),
    ('throughline_reader', 'operations', 'SELECT'),
    ('throughline_reader', 'dead_letter', 'SELECT'),
    ('throughline_reader', 'in_tx', 'SELECT'),
    ('throughline_reader', 'instances', 'SELECT'),
    ('throughline_reader', 'delivered', 'SELECT'),
    ('throughline_reader', 'schema_version', 'SELECT'),
    ('throughline_reader', 'metrics', 'SELECT'),
    ('throughline_reader', 'rollup%', 'SELECT')
  ) AS wanted (grantee, pattern, rights)
  JOIN pg_roles ON rolname = grantee
  JOIN pg_class AS c ON c.relname LIKE replace(pattern, '_', '\\_') AND c.relnamespace = 'throughline'::regnamespace
    AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
  LOOP
    EXECUTE format('GRANT %s ON throughline.%I TO %I', entry.rights, entry.relname, entry.grantee);
  END LOOP;

  FOR entry IN SELECT rolname FROM pg_roles WHERE rolname IN ('throughline_writer', 'throughline_reader') LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA throughline TO %I', entry.rolname);
  END LOOP;
  FOR entry IN SELECT oid::regprocedure AS signature FROM pg_proc
    WHERE pronamespace = 'throughline'::regnamespace
      AND proname IN ('create_partition', 'merge_delivered', 'record_operation', 'settle_in_tx')
      AND EXISTS (SELECT FROM pg_roles WHERE rolname = 'throughline_writer')
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO throughline_writer', entry.signature);
  END LOOP;

  -- One owner for all of it, so that any of its members can migrate, and so that the functions above have its rights
  -- and no superuser's. The parent before its partitions: a writer locks in this order.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'throughline_owner') THEN
    RETURN;
  END IF;
  BEGIN
    IF NOT pg_has_role(current_user, 'throughline_owner', 'USAGE') THEN
      EXECUTE format('GRANT throughline_owner TO %I', current_user);
    END IF;
    IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'throughline' AND nspowner = current_user::regrole) THEN
      ALTER SCHEMA throughline OWNER TO throughline_owner;
    END IF;
    FOR entry IN SELECT oid::regclass AS name FROM pg_class
      WHERE relnamespace = 'throughline'::regnamespace AND relkind IN ('r', 'p', 'v')
        AND relowner = current_user::regrole
      ORDER BY relkind <> 'p', relname
    LOOP
      EXECUTE format('ALTER TABLE %s OWNER TO throughline_owner', entry.name);
    END LOOP;
    FOR entry IN SELECT oid::regprocedure AS signature FROM pg_proc
      WHERE pronamespace = 'throughline'::regnamespace AND proowner = current_user::regrole
    LOOP
      EXECUTE format('ALTER FUNCTION %s OWNER TO throughline_owner', entry.signature);
    END LOOP;
  EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'schema throughline stays the property of %: %', current_user, SQLERRM;
  END;
END
$$;

COMMENT ON FUNCTION throughline.grant_roles() IS
  'Gives the group roles throughline_owner, throughline_writer and throughline_reader, where they are there, what is theirs. Changes nothing when run again.';

SELECT throughline.grant_roles();
`
