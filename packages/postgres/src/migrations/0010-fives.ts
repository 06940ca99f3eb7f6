// Grain v and the level f are what reading was slow without: two versions held against each other read every row of a
// day, a picture of a day merged 1,440 histograms, one of an operation read the sums of all operations to find its own.
// What is summed up already lacks both, so its minutes are marked and summed up anew from their rows. Where the rows
// are gone, the five minutes are summed up from the minutes that are kept; grain v has nothing of that time.
export const fives = `
ALTER TABLE throughline.rollup_operations ADD COLUMN log_sum float8, ADD COLUMN log_squares float8;

COMMENT ON COLUMN throughline.rollup_operations.log_sum IS
  'Of the natural logarithms of the durations in microseconds of successes, zero taken as one; log_squares: of their squares. NULL: summed up before they were kept.';

COMMENT ON TABLE throughline.rollup_operations IS
  'Sums per minute (level m), five minutes (f), hour (h) and day (d, UTC), of each operation (grain o), of each service and version (s), of each version (v) and of all (a): names that a grain has not, an absent version and an absent error type are empty texts; error_types are the 20 most frequent, the failures of the rest are other_errors.';

COMMENT ON TABLE throughline.rollup_marks IS
  'Minutes (m) that got rows, five minutes (f) and hours (h) that got minutes, days (d) that got hours, and are not summed up yet. Readers take them from the level below.';

CREATE TABLE throughline.rollup_version_values (
  start timestamptz NOT NULL,
  key uuid NOT NULL,
  operations int8 NOT NULL,
  sum float8 NOT NULL,
  squares float8 NOT NULL,
  level "char" NOT NULL,
  service text NOT NULL,
  service_version text NOT NULL,
  operation_service text NOT NULL,
  operation text NOT NULL,
  name text NOT NULL,
  currency text NOT NULL,
  PRIMARY KEY (level, start, key)
);

COMMENT ON TABLE throughline.rollup_version_values IS
  'What successes were worth, by version: how many had the value, the sum and the sum of squares of what each of them had. For comparing versions; exact sums are in rollup_business.';

CREATE INDEX rollup_operations_operation ON throughline.rollup_operations (operation_service, operation, level, start)
WHERE grain = 'o';

CREATE FUNCTION throughline.five_of(at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT date_bin('5 minutes', at, '2000-01-01 00:00:00+00') $$;

INSERT INTO throughline.rollup_marks (level, start)
SELECT DISTINCT 'f'::"char", throughline.five_of(start) FROM throughline.rollup_operations
WHERE level = 'm' AND grain = 'a'
UNION ALL
SELECT 'm', start FROM throughline.rollup_operations
WHERE level = 'm' AND grain = 'a' AND start >= (SELECT floor FROM throughline.rollup_floor);

SELECT throughline.grant_roles();
`
