// quotient: one rounding, half away from zero, of the exact quotient. round(a / b, n) rounds twice, as the division
// itself stops after some digits: a cent can be lost at a tie.
// Cells are matched rows of an hour per filter of a value model. Rows are only ever added, so a cell is right while the
// hour has as many rows as it had when they were counted. Their name begins with rollup: so do the rights to them.
export const value = `
CREATE FUNCTION throughline.quotient(dividend numeric, divisor numeric, places int4) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT CASE WHEN divisor <> 0 THEN
  sign(dividend) * sign(divisor)
  * div(2 * abs(dividend) * ('1e' || places)::numeric + abs(divisor), 2 * abs(divisor)) * ('1e-' || places)::numeric
END $$;

COMMENT ON FUNCTION throughline.quotient(numeric, numeric, int4) IS
  'The exact quotient rounded once to so many places, half away from zero; NULL when the divisor is zero.';

CREATE TABLE throughline.value_reports (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  frozen_at timestamptz NOT NULL DEFAULT now(),
  revision int4 NOT NULL CHECK (revision > 0),
  model text NOT NULL,
  period text NOT NULL,
  frozen_by text NOT NULL DEFAULT session_user,
  model_sha256 text NOT NULL,
  model_text text NOT NULL,
  report jsonb NOT NULL,
  UNIQUE (model, period, revision)
);

COMMENT ON TABLE throughline.value_reports IS
  'Reports of the value model as they were frozen: the model file, every input, every figure. Never changed, never deleted; a later revision stands beside an earlier one.';

CREATE FUNCTION throughline.refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  RAISE EXCEPTION 'a frozen report is not changed and not deleted: freeze a new revision'
    USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER frozen BEFORE UPDATE OR DELETE OR TRUNCATE ON throughline.value_reports
  FOR EACH STATEMENT EXECUTE FUNCTION throughline.refuse_change();

CREATE TABLE throughline.rollup_value_cells (
  filter uuid NOT NULL,
  start timestamptz NOT NULL,
  rows int8 NOT NULL,
  matched int8 NOT NULL,
  PRIMARY KEY (filter, start)
);

COMMENT ON TABLE throughline.rollup_value_cells IS
  'How many rows of an hour a filter of a value model matches, and of how many rows of its operations. It may be emptied at any time: what is missing is counted from rows.';

SELECT throughline.grant_roles();
`
