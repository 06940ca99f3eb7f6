// delivered has no unique key: the write path only appends, so that two writers never wait for each other in it; the
// maintenance merges. The index ends with what a lookup reads, so it is answered from the index alone.
export const delivery = `
CREATE TABLE throughline.instances (
  instance uuid PRIMARY KEY,
  service text,
  version text,
  environment text,
  host text,
  started_at timestamptz,
  last_seq int8,
  stopped_at timestamptz,
  stop_reason text
);

COMMENT ON TABLE throughline.instances IS
  'One row per process or worker thread that wrote records, from its lifecycle records. last_seq is the highest number it gave out, known once it stopped.';

CREATE TABLE throughline.delivered (
  instance uuid NOT NULL,
  lo int8 NOT NULL,
  hi int8 NOT NULL,
  received int8 NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX delivered_instance ON throughline.delivered (instance, hi, lo);

COMMENT ON TABLE throughline.delivered IS
  'Which numbers of an instance arrived, stored or parked, written in the transaction of their rows: lo to hi without a gap, from received records (doubles included). Rows may overlap. The sum of received less the count of distinct numbers is the number of redeliveries; a number from 1 to instances.last_seq that no row covers is missing.';

ALTER TABLE throughline.dead_letter
  ADD COLUMN instance uuid,
  ADD COLUMN seq int8,
  ADD COLUMN retries int4 NOT NULL DEFAULT 0,
  ADD COLUMN retried_at timestamptz;

CREATE INDEX dead_letter_instance ON throughline.dead_letter (instance) WHERE instance IS NOT NULL;
`
