// One day is one transaction, under the day's lock of the rollups: a worker never sums up what is half erased, and no writer waits.
// Minutes that lost rows are marked, so that readers take them from the rows at once. Of a day that has lost its last row the worker
// would keep the sums (it takes the rows for dropped by the retention), so they go here; those of days whose rows are gone stay, without
// the user. The log says how much was erased, of which day and operation, and never of whom.
export const erase = `
CREATE TABLE throughline.erased (
  erasure uuid NOT NULL,
  erased_at timestamptz NOT NULL DEFAULT now(),
  erased_by text NOT NULL DEFAULT session_user,
  kind text NOT NULL CHECK (kind IN ('row', 'parked', 'copy', 'sums')),
  day date,
  service text,
  operation_service text,
  operation text,
  instance uuid,
  records int8 NOT NULL,
  numbers int8 NOT NULL
);

CREATE INDEX erased_instance ON throughline.erased (instance) WHERE instance IS NOT NULL;
CREATE INDEX erased_day ON throughline.erased (day);

COMMENT ON TABLE throughline.erased IS
  'What "throughline erase" deleted: rows of operations, parked records, copies of recordIn, and sums that named the user, by day, operation and instance. Whose they were is not kept. numbers: of the records, those that had a number of their instance.';

CREATE FUNCTION throughline.user_of(body text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN throughline.cut(coalesce(body::json->'row'->>'userId', body::json->'span'->'attributes'->>'user.id'), 512);
EXCEPTION WHEN data_exception THEN
  RETURN NULL; -- no JSON, or a text that no column can hold
END
$$;

CREATE FUNCTION throughline.erase_day(erasure uuid, wanted text, day date, OUT erased_rows int8, OUT erased_sums int8)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  from_time timestamptz := day::timestamp AT TIME ZONE 'UTC';
  until_time timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
  sums text;
BEGIN
  PERFORM pg_advisory_xact_lock(730547221400000 + (day - date '2000-01-01'));
  WITH gone AS (
    DELETE FROM throughline.operations AS o
    WHERE o.started_at >= from_time AND o.started_at < until_time AND o.user_id = wanted
    RETURNING o.started_at, o.trace_id, o.span_id, o.instance, o.seq, o.service, o.operation_service, o.operation
  ), copy AS (
    -- Without its row, a copy would become one that says rolled_back.
    DELETE FROM throughline.in_tx AS t USING gone AS g
    WHERE t.started_at = g.started_at AND t.trace_id = g.trace_id AND t.span_id = g.span_id
    RETURNING (t.record::json->'row'->>'instance')::uuid AS instance, g.seq IS NULL AS numbered
  ), marked AS (
    INSERT INTO throughline.rollup_marks (start) SELECT DISTINCT throughline.minute_of(started_at) FROM gone
  ), logged AS (
    INSERT INTO throughline.erased (erasure, kind, day, service, operation_service, operation, instance, records, numbers)
    SELECT erase_day.erasure, 'row', erase_day.day, service, operation_service, operation, instance, count(*), count(seq)
    FROM gone GROUP BY service, operation_service, operation, instance
    UNION ALL
    SELECT erase_day.erasure, 'copy', erase_day.day, NULL, NULL, NULL, instance, count(*), count(*) FILTER (WHERE numbered)
    FROM copy GROUP BY instance
  )
  SELECT count(*) INTO erased_rows FROM gone;

  -- A row lists a user once. The levels are named for the index, which begins with them.
  WITH found AS (
    SELECT r.level, r.start, r.operation_service, r.chunk, array_position(r.users, wanted) AS at, cardinality(r.users) AS listed
    FROM throughline.rollup_users AS r
    WHERE r.level IN ('m', 'h', 'd', 'w') AND r.start >= from_time AND r.start < until_time AND wanted = ANY(r.users)
  ), emptied AS (
    DELETE FROM throughline.rollup_users AS r USING found AS f
    WHERE f.listed = 1 AND (r.level, r.start, r.operation_service, r.chunk) = (f.level, f.start, f.operation_service, f.chunk)
    RETURNING 1
  ), changed AS (
    UPDATE throughline.rollup_users AS r SET users = r.users[:f.at - 1] || r.users[f.at + 1:],
      counts = r.counts[:f.at - 1] || r.counts[f.at + 1:], failures = r.failures[:f.at - 1] || r.failures[f.at + 1:]
    FROM found AS f
    WHERE f.listed > 1 AND (r.level, r.start, r.operation_service, r.chunk) = (f.level, f.start, f.operation_service, f.chunk)
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM emptied) + (SELECT count(*) FROM changed) INTO erased_sums;
  IF erased_sums > 0 THEN
    INSERT INTO throughline.erased (erasure, kind, day, records, numbers) VALUES (erasure, 'sums', day, erased_sums, 0);
  END IF;

  IF erased_rows + erased_sums > 0 THEN
    -- A worker that sums up the week at this moment may have read this day as it was.
    INSERT INTO throughline.rollup_marks (level, start) VALUES ('w', throughline.week_of(from_time));
  END IF;

  IF erased_rows = 0 THEN
    RETURN;
  END IF;
  DELETE FROM throughline.rollup_value_cells AS c WHERE c.start >= from_time AND c.start < until_time;
  IF from_time >= (SELECT floor FROM throughline.rollup_floor)
    AND NOT EXISTS (SELECT FROM throughline.operations AS o WHERE o.started_at >= from_time AND o.started_at < until_time)
  THEN
    -- Every table of sums, those of later migrations too. A week has more days than this one.
    FOR sums IN SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'start'
      WHERE c.relnamespace = 'throughline'::regnamespace AND c.relkind = 'r' AND starts_with(c.relname, 'rollup_')
        AND c.relname NOT IN ('rollup_marks', 'rollup_users')
    LOOP
      EXECUTE format('DELETE FROM throughline.%I WHERE start >= $1 AND start < $2', sums) USING from_time, until_time;
    END LOOP;
    DELETE FROM throughline.rollup_users AS r WHERE r.level <> 'w' AND r.start >= from_time AND r.start < until_time;
  END IF;
END
$$;

COMMENT ON FUNCTION throughline.erase_day(uuid, text, date) IS
  'Deletes the rows of one user of one day (UTC) and takes the user out of the sums of that day. For members of throughline_owner; "throughline erase" calls it for each day.';

CREATE FUNCTION throughline.erase_waiting(erasure uuid, wanted text, OUT erased_parked int8, OUT erased_copies int8)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  WITH parked AS (
    DELETE FROM throughline.dead_letter AS d WHERE throughline.user_of(convert_from(d.body, 'UTF8')) = wanted
    RETURNING d.instance, d.seq
  ), copy AS (
    DELETE FROM throughline.in_tx AS t WHERE throughline.user_of(t.record) = wanted
    RETURNING t.started_at, t.trace_id, t.span_id, (t.record::json->'row'->>'instance')::uuid AS instance
  ), logged AS (
    INSERT INTO throughline.erased (erasure, kind, instance, records, numbers)
    SELECT erase_waiting.erasure, 'parked', instance, count(*), count(DISTINCT seq) FROM parked GROUP BY instance
    UNION ALL
    SELECT erase_waiting.erasure, 'copy', c.instance, count(*), count(*) FILTER (WHERE NOT EXISTS (
      SELECT FROM throughline.operations AS o
      WHERE o.started_at = c.started_at AND o.trace_id = c.trace_id AND o.span_id = c.span_id AND o.seq IS NOT NULL))
    FROM copy AS c GROUP BY c.instance
  )
  SELECT (SELECT count(*) FROM parked), (SELECT count(*) FROM copy) INTO erased_parked, erased_copies;
END
$$;

COMMENT ON FUNCTION throughline.erase_waiting(uuid, text) IS
  'Deletes what of one user is parked in dead_letter, and copies that wait in in_tx. For members of throughline_owner.';

REVOKE EXECUTE ON FUNCTION throughline.erase_day(uuid, text, date), throughline.erase_waiting(uuid, text) FROM PUBLIC;

CREATE FUNCTION throughline.erased_numbers(instances uuid[]) RETURNS TABLE (instance uuid, n int8)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT e.instance, sum(e.numbers)::int8 FROM throughline.erased AS e WHERE e.instance = ANY(instances) GROUP BY 1
$$;

COMMENT ON FUNCTION throughline.erased_numbers(uuid[]) IS
  'How many numbers of these instances were stored or parked once and have been erased: what reconcile allows for.';

CREATE FUNCTION throughline.erased_rows(from_day date, until_day date) RETURNS int8
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(sum(e.records), 0)::int8 FROM throughline.erased AS e
  WHERE e.kind = 'row' AND e.day >= from_day AND e.day < until_day
$$;

COMMENT ON FUNCTION throughline.erased_rows(date, date) IS
  'How many rows of these days were erased: what reports say of themselves.';

SELECT throughline.grant_roles();
`
