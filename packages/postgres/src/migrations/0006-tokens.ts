// Only the hash is kept: whoever reads this table, or a backup of it, can send nothing. A plain sha256 is enough, since a
// secret is 256 random bits and nobody guesses those, slowly or fast.
export const tokens = `
CREATE TABLE throughline.tokens (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL CHECK (name <> '' AND octet_length(name) <= 200),
  role text NOT NULL CHECK (role IN ('ingest', 'read', 'admin')),
  hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);

COMMENT ON TABLE throughline.tokens IS
  'Bearer tokens of the recorder. hash is sha256 of the whole token text, which is shown once, when it is made. Several are valid at once, so that senders can change theirs one by one. last_used_at is kept to the minute.';
`
