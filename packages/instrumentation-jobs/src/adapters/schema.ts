/** A name as both libraries take it: quoted already, or bare and then in lower case, as Postgres reads it. */
export const quotedSchema = (schema: string): string =>
  /^"(?:[^"]|"")+"$/.test(schema) ? schema : `"${schema.toLowerCase().replaceAll('"', '""')}"`
