// body is bytea, not jsonb: what jsonb refuses is one of the reasons to be here.
export const deadLetter = `
CREATE TABLE throughline.dead_letter (
  digest bytea PRIMARY KEY,
  parked_at timestamptz NOT NULL DEFAULT now(),
  sqlstate text,
  reason text NOT NULL,
  body bytea NOT NULL
);

CREATE INDEX dead_letter_parked_at ON throughline.dead_letter (parked_at);

COMMENT ON TABLE throughline.dead_letter IS
  'Records that can never become a row, and why. digest is sha256 of body: the same record delivered again adds nothing. Read one with convert_from(body, ''UTF8'')::json.';
`
