import { createRequire } from 'node:module'
import type { ProcessSpec } from './process.js'

/** The recorder as a process of its own, on the Node that runs us. Its `THROUGHLINE_RECORDER_*` settings are the user's. */
export function recorderProcess(port: number, databaseUrl: string): ProcessSpec {
  const url = `http://127.0.0.1:${port}`
  const settings = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[0].startsWith('THROUGHLINE_RECORDER_') && entry[1] !== undefined,
  )
  return {
    name: 'recorder',
    url,
    command: process.execPath,
    // The semi-space is where the memory of a busy recorder goes: with Node's own size it takes half as much again, and is no faster.
    args: [
      '--enable-source-maps',
      '--max-semi-space-size=8',
      createRequire(import.meta.url).resolve('@throughline/recorder/main'),
    ],
    env: {
      ...Object.fromEntries(settings),
      THROUGHLINE_DATABASE_URL: databaseUrl,
      THROUGHLINE_RECORDER_HOST: '127.0.0.1',
      THROUGHLINE_RECORDER_PORT: String(port),
    },
    healthUrl: `${url}/healthz`,
  }
}
