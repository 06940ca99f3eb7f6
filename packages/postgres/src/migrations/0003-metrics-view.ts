// created_at is the bare column, so that a condition on it leaves out whole days.
export const metricsView = `
CREATE VIEW throughline.metrics AS
SELECT
  replace(trace_id::text, '-', '') || '-' || lpad(to_hex(span_id), 16, '0') AS id,
  correlation_id,
  operation_service AS service_name,
  operation AS method_name,
  user_id,
  duration_us::float8 / 1000 AS duration_ms,
  success,
  error_message,
  metadata,
  started_at AS created_at
FROM throughline.operations;

COMMENT ON VIEW throughline.metrics IS
  'The metrics table of the reference, column for column. Promise: these ten columns keep their names, types and meaning; columns may be added at the end. Deviations: id is text (trace ID, dash, span ID), as rows are written by many processes without a common counter; user_id is text, as user IDs need not be numbers; created_at is timestamptz and the start of the operation, the same for every delivery; the strings have no length limit of 36 or 100.';
COMMENT ON COLUMN throughline.metrics.id IS 'Trace ID and span ID in hex, joined by a dash (the reference: a serial integer).';
COMMENT ON COLUMN throughline.metrics.service_name IS 'operation_service: the class or module, as in the reference; the deployed service is operations.service.';
COMMENT ON COLUMN throughline.metrics.user_id IS 'Text (the reference: integer); a numeric user ID is its decimal digits.';
COMMENT ON COLUMN throughline.metrics.created_at IS 'When the operation started (the reference: when the row was inserted).';
`
