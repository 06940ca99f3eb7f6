// record_operation runs as its owner, so that an application needs no right but to call it. It runs inside somebody's transaction: what it
// locks (a key, rarely the making of a partition) stays locked until that one ends.
// A copy in in_tx is kept as text, the body of a dead letter: taking it in can then never fail, and the batch it came with is not held up.
// Of a waiting copy settle_in_tx asks plain MVCC first, which waits for nobody; only one that is due to be decided is tried by an insert,
// and the key of an open transaction then answers with lock_not_available after 20 ms.
export const recordIn = `
CREATE TABLE throughline.in_tx (
  started_at timestamptz NOT NULL,
  trace_id uuid NOT NULL,
  span_id int8 NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT now(),
  next_at timestamptz NOT NULL DEFAULT now(),
  record text NOT NULL,
  PRIMARY KEY (started_at, trace_id, span_id)
);

CREATE INDEX in_tx_next_at ON throughline.in_tx (next_at);

COMMENT ON TABLE throughline.in_tx IS
  'Copies of records that went into a transaction of their own (recordIn). One waits here until its row is seen, or, as no transaction holds it any more, becomes a row rolled_back.';

CREATE FUNCTION throughline.cut(value text, most int4) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  bytes bytea;
BEGIN
  IF value = '' THEN
    RETURN NULL;
  END IF;
  IF octet_length(value) <= most THEN
    RETURN value;
  END IF;
  bytes := convert_to(value, 'UTF8');
  IF length(bytes) <= most THEN
    RETURN value;
  END IF;
  -- A byte of the form 10xxxxxx continues a character.
  WHILE (get_byte(bytes, most) & 192) = 128 LOOP
    most := most - 1;
  END LOOP;
  RETURN convert_from(substr(bytes, 1, most), 'UTF8');
END
$$;

CREATE FUNCTION throughline.span_number(digits text) RETURNS int8
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF digits !~ '^[0-9a-fA-F]{16}$' OR digits = '0000000000000000' THEN
    RAISE EXCEPTION 'a span ID is 16 hexadecimal digits, not all zero' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN ('x' || digits)::bit(64)::int8;
END
$$;

CREATE FUNCTION throughline.record_operation(record jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- Of a transaction: its beginning, and so the beginning of an operation that is the transaction.
  started timestamptz := coalesce((record->>'started_at')::timestamptz, now());
  trace uuid := coalesce((record->>'trace_id')::uuid, gen_random_uuid());
  span int8 := coalesce(
    throughline.span_number(record->>'span_id'),
    throughline.span_number(right(replace(gen_random_uuid()::text, '-', ''), 16)));
  lasted int8 := coalesce(
    (record->>'duration_us')::int8,
    greatest(0, extract(epoch FROM clock_timestamp() - started) * 1000000)::int8);
  correlation text := coalesce(throughline.cut(record->>'correlation_id', 512), replace(trace::text, '-', ''));
  deployed text := coalesce(throughline.cut(record->>'service', 512), 'unknown_service');
  metadata jsonb := nullif(record->'metadata', 'null');
  business jsonb := nullif(record->'business', 'null');
  added boolean;
BEGIN
  IF jsonb_typeof(record) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'a record is a JSON object' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF trace = '00000000-0000-0000-0000-000000000000' THEN
    RAISE EXCEPTION 'the trace ID is all zero' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF lasted < 0 THEN
    RAISE EXCEPTION 'the end time is before the start time' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF jsonb_typeof(metadata) <> 'object' THEN
    metadata := jsonb_build_object('_invalid', metadata);
  END IF;
  IF octet_length(metadata::text) > 65536 THEN
    metadata := '{"_dropped": "size"}';
  END IF;
  IF jsonb_typeof(business) <> 'array' OR octet_length(business::text) > 65536 THEN
    RAISE EXCEPTION 'business is not an array, or is larger than 65536 bytes' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF to_regclass(format('throughline.operations_%s', to_char(started AT TIME ZONE 'UTC', 'YYYYMMDD'))) IS NULL THEN
    PERFORM throughline.create_partition((started AT TIME ZONE 'UTC')::date);
  END IF;
  -- What was given up as rolled back, and is not, was given up too early: the transaction is right.
  INSERT INTO throughline.operations AS known (
    started_at, trace_id, span_id, parent_span_id, duration_us, seq, instance, bucket, success, correlation_id, service,
    service_version, operation_service, operation, user_id, error_type, error_message, error_stack, metadata, business)
  VALUES (
    started, trace, span, throughline.span_number(record->>'parent_span_id'), lasted,
    (record->>'seq')::int8, (record->>'instance')::uuid, throughline.bucket(correlation),
    coalesce((record->>'success')::bool, true), correlation, deployed,
    throughline.cut(record->>'service_version', 512),
    coalesce(throughline.cut(record->>'operation_service', 512), deployed),
    coalesce(throughline.cut(record->>'operation', 512), ''),
    throughline.cut(record->>'user_id', 512), throughline.cut(record->>'error_type', 512),
    throughline.cut(record->>'error_message', 8192), throughline.cut(record->>'error_stack', 32768), metadata, business)
  ON CONFLICT (started_at, trace_id, span_id) DO UPDATE SET
    recorded_at = now(), duration_us = excluded.duration_us, success = excluded.success, user_id = excluded.user_id,
    error_type = excluded.error_type, error_message = excluded.error_message, error_stack = excluded.error_stack,
    metadata = excluded.metadata, business = excluded.business
  WHERE known.error_type = 'rolled_back' AND NOT known.success AND excluded.error_type IS DISTINCT FROM 'rolled_back'
  RETURNING true INTO added;
  IF added THEN
    PERFORM throughline.mark_dirty(started);
  END IF;
  RETURN coalesce(added, false);
END
$$;

COMMENT ON FUNCTION throughline.record_operation(jsonb) IS
  'Puts one record into the current transaction. The keys are the columns of operations (trace_id and span_id in hexadecimal); all may be left out. True if a row was added, false if the key is known.';

CREATE FUNCTION throughline.settle_in_tx(
  undecided interval, most int4,
  OUT duplicates int4, OUT rolled_back int4, OUT parked int4, OUT waiting int4, OUT next_ms int4)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '20ms'
AS $$
DECLARE
  held throughline.in_tx;
  kept json;
  settled boolean;
  again timestamptz;
  state text;
  -- What is decided here stays locked until the end: a transaction that comes for it late waits so long at most.
  enough timestamptz := clock_timestamp() + interval '250 ms';
BEGIN
  duplicates := 0; rolled_back := 0; parked := 0; waiting := 0;
  FOR held IN
    SELECT * FROM throughline.in_tx WHERE next_at <= clock_timestamp() ORDER BY next_at LIMIT most FOR UPDATE SKIP LOCKED
  LOOP
    settled := false;
    kept := held.record::json->'row';
    PERFORM FROM throughline.operations o
    WHERE o.started_at = held.started_at AND o.trace_id = held.trace_id AND o.span_id = held.span_id;
    IF FOUND THEN
      BEGIN
        -- From here on the row says its number, like any other; one without is a row whose copy never came.
        UPDATE throughline.operations o SET seq = (kept->>'seq')::int8
        WHERE o.started_at = held.started_at AND o.trace_id = held.trace_id AND o.span_id = held.span_id
          AND o.seq IS NULL AND o.instance = (kept->>'instance')::uuid;
        duplicates := duplicates + 1;
        settled := true;
      EXCEPTION WHEN lock_not_available THEN
        NULL;
      END;
    ELSIF clock_timestamp() >= held.seen_at + undecided AND clock_timestamp() < enough THEN
      BEGIN
        IF throughline.record_operation(jsonb_build_object(
          'started_at', held.started_at, 'trace_id', kept->>'traceId', 'span_id', kept->>'spanId',
          'parent_span_id', kept->>'parentSpanId', 'correlation_id', kept->>'correlationId', 'service', kept->>'service',
          'service_version', kept->>'serviceVersion', 'operation_service', kept->>'operationService',
          'operation', kept->>'operation', 'user_id', kept->>'userId', 'duration_us', kept->>'durationUs',
          'metadata', (kept->>'metadata')::jsonb, 'instance', kept->>'instance', 'seq', kept->>'seq',
          'success', false, 'error_type', 'rolled_back',
          'error_message', coalesce(
            nullif(concat_ws(': ', kept->>'errorType', kept->>'errorMessage'), ''),
            'the transaction that held the record was rolled back'),
          'error_stack', kept->>'errorStack'))
        THEN
          rolled_back := rolled_back + 1;
        ELSE
          duplicates := duplicates + 1;
        END IF;
        settled := true;
      EXCEPTION
        WHEN lock_not_available THEN
          NULL;
        -- 22, 23, 54: what can never be stored as it is.
        WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
          GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE;
          INSERT INTO throughline.dead_letter (digest, sqlstate, reason, body, instance, seq)
          VALUES (sha256(convert_to(held.record, 'UTF8')), state, SQLERRM, convert_to(held.record, 'UTF8'),
            (kept->>'instance')::uuid, (kept->>'seq')::int8)
          ON CONFLICT DO NOTHING;
          parked := parked + 1;
          settled := true;
      END;
    END IF;
    IF settled THEN
      DELETE FROM throughline.in_tx t
      WHERE t.started_at = held.started_at AND t.trace_id = held.trace_id AND t.span_id = held.span_id;
    ELSE
      waiting := waiting + 1;
      -- As long again as it has waited, from 0.1 to 10 s: a transaction that took a minute is looked for every 10 s.
      again := clock_timestamp() + least(greatest(clock_timestamp() - held.seen_at, interval '100 ms'), interval '10 s');
      IF clock_timestamp() < held.seen_at + undecided THEN
        again := least(again, held.seen_at + undecided);
      END IF;
      UPDATE throughline.in_tx t SET next_at = again
      WHERE t.started_at = held.started_at AND t.trace_id = held.trace_id AND t.span_id = held.span_id;
    END IF;
  END LOOP;
  SELECT (extract(epoch FROM min(next_at) - clock_timestamp()) * 1000)::int4 INTO next_ms FROM throughline.in_tx;
  IF next_ms < 0 THEN
    next_ms := 0;
  END IF;
END
$$;

COMMENT ON FUNCTION throughline.settle_in_tx(interval, int4) IS
  'Settles copies in in_tx: those whose row is there are duplicates; those that no transaction holds "undecided" after they came become rows rolled_back. next_ms: when the next one is due, NULL when none waits.';

REVOKE EXECUTE ON FUNCTION throughline.record_operation(jsonb), throughline.settle_in_tx(interval, int4) FROM PUBLIC;
`
