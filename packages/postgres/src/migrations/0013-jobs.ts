// Jobs were read from their rows alone: a day of a million of them took longer than a page may. Their figures are kept
// as sums; when each began and how long it took, and what the status checks said, in few bytes beside them: how many
// ran at once is exact only with every one of them. Spans and checks go when the rows go, the sums stay.
// Spans are not compressed: they would not become smaller.
// The marks at the end: what was summed up without this is summed up anew, where its rows are still there.
export const jobs = `
CREATE TABLE throughline.rollup_jobs (
  start timestamptz NOT NULL,
  key uuid NOT NULL,
  count int8 NOT NULL,
  completed int8 NOT NULL,
  failed int8 NOT NULL,
  cancelled int8 NOT NULL,
  retried int8 NOT NULL,
  launches int8 NOT NULL,
  duration_us float8 NOT NULL,
  launch_us float8 NOT NULL,
  level "char" NOT NULL,
  queue text NOT NULL,
  type text NOT NULL,
  error_types text[] NOT NULL,
  error_counts int8[] NOT NULL,
  measures int2[] NOT NULL,
  buckets int2[] NOT NULL,
  counts int4[] NOT NULL,
  measured int2[] NOT NULL,
  sums_us float8[] NOT NULL,
  least_us float8[] NOT NULL,
  most_us float8[] NOT NULL,
  PRIMARY KEY (level, start, key)
);

COMMENT ON TABLE throughline.rollup_jobs IS
  'Sums of the jobs that began per minute (level m) and hour (h), of each queue and type. One entry of measures, buckets and counts is one cell of a histogram, one of measured, sums_us, least_us and most_us what it spans: measure 0 is the duration, 1 the launch latency, from 2 on the phases queued, pulling, creating, starting, running, collecting, removing; buckets as of duration_bucket. error_types are the most frequent; failures of the rest are in failed alone.';

CREATE TABLE throughline.rollup_job_spans (
  start timestamptz NOT NULL,
  key uuid NOT NULL,
  reach timestamptz NOT NULL,
  queue text NOT NULL,
  type text NOT NULL,
  spans bytea NOT NULL,
  PRIMARY KEY (start, key)
);
ALTER TABLE throughline.rollup_job_spans ALTER COLUMN spans SET STORAGE EXTERNAL;

COMMENT ON TABLE throughline.rollup_job_spans IS
  'When the jobs of a minute ran, 12 bytes each: microseconds from the minute to its beginning (int4), and how many it took (int8, 1 at least). reach: when the last of them ended.';

CREATE TABLE throughline.rollup_job_checks (
  start timestamptz NOT NULL,
  begun timestamptz NOT NULL,
  duration_us int8 NOT NULL,
  success bool NOT NULL,
  instance uuid,
  queue text NOT NULL,
  host text,
  error text,
  state jsonb,
  jobs jsonb,
  usage jsonb,
  capacity jsonb,
  running jsonb,
  peak jsonb
);
CREATE INDEX rollup_job_checks_begun ON throughline.rollup_job_checks (begun);
CREATE INDEX rollup_job_checks_start ON throughline.rollup_job_checks (start);

COMMENT ON TABLE throughline.rollup_job_checks IS
  'What the status checks of a minute said, as their rows have it in metadata.';

INSERT INTO throughline.rollup_marks (level, start)
SELECT 'm', start FROM throughline.rollup_operations
WHERE level = 'm' AND grain = 'a' AND start >= (SELECT floor FROM throughline.rollup_floor);

SELECT throughline.grant_roles();
`
