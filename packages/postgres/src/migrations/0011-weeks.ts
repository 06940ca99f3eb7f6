// Weeks are kept of the users alone: numbers of a month add up from its days in no time, but who is different over a
// month is found by putting the users of all its days together. Weeks begin on Monday (UTC).
// duration_bucket was STRICT, and Postgres does not inline a strict function whose body may answer for NULL: half the
// time of a read from rows went into calling it.
export const weeks = `
CREATE OR REPLACE FUNCTION throughline.duration_bucket(duration_us int8) RETURNS int2
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE WHEN duration_us > 0 THEN (ceil(ln(duration_us::float8) * 46.16624130844683) - 1)::int2 WHEN duration_us <= 0 THEN (-32768)::int2 END $$;

CREATE FUNCTION throughline.week_of(at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT date_bin('168 hours', at, '2000-01-03 00:00:00+00') $$;

COMMENT ON TABLE throughline.rollup_users IS
  'Operations per user, as arrays of at most 10,000 users: a row for each user of an hour would be nearly a copy of operations. Per minute (level m), hour (h), day (d, UTC) and week (w, from Monday).';

COMMENT ON TABLE throughline.rollup_marks IS
  'Minutes (m) that got rows, five minutes (f) and hours (h) that got minutes, days (d) that got hours, weeks (w) that got days, and are not summed up yet. Readers take them from the level below.';

INSERT INTO throughline.rollup_marks (level, start)
SELECT DISTINCT 'w'::"char", throughline.week_of(start) FROM throughline.rollup_users WHERE level = 'd';

SELECT throughline.grant_roles();
`
