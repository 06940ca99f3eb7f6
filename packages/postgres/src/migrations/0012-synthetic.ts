// grant_roles is what gives rights, also to roles that are made later. Its list gets the lines of this table, whatever
// other migrations have put there since: hence its own text with a line replaced, and not a copy of 0008.
export const synthetic = `
CREATE TABLE throughline.synthetic_operations (
  id uuid PRIMARY KEY,
  service text NOT NULL,
  started_at timestamptz,
  received_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE throughline.synthetic_operations IS
  'Operations that throughline doctor made up, to see whether they arrive: in no report and no sum. id is the trace ID; received_at is the recorder''s clock, recorded_at that of Postgres. Kept an hour, at most 1,000.';

DO $synthetic$
DECLARE
  known text := pg_get_functiondef('throughline.grant_roles()'::regprocedure);
  line text := '(''throughline_writer'', ''schema_version'', ''SELECT''),';
BEGIN
  IF position(line IN known) = 0 THEN
    RAISE EXCEPTION 'grant_roles is not the function that was expected';
  END IF;
  EXECUTE replace(known, line, line || '
    (''throughline_writer'', ''synthetic_operations'', ''SELECT, INSERT, DELETE''),
    (''throughline_reader'', ''synthetic_operations'', ''SELECT''),');
END
$synthetic$;

SELECT throughline.grant_roles();
`
