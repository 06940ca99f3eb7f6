// A count of what a ratio matches is kept with the number of rows that its hour had. That number stays where recordIn's transaction commits
// after its row was given up as rolled back: the row that was there becomes another one.
export const recount = `
CREATE FUNCTION throughline.recount() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  DELETE FROM throughline.rollup_value_cells WHERE start = throughline.hour_of(NEW.started_at);
  RETURN NULL;
END
$$;

REVOKE EXECUTE ON FUNCTION throughline.recount() FROM PUBLIC;

CREATE TRIGGER recount AFTER UPDATE ON throughline.operations FOR EACH ROW EXECUTE FUNCTION throughline.recount();

SELECT throughline.grant_roles();
`
