import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Who a child process runs as. */
export interface Account {
  uid: number
  gid: number
}

/**
 * The account that Postgres runs as: undefined means "as we do". initdb and postgres refuse to run as root,
 * so root lends them `postgres` or, where there is none, `nobody`.
 */
export function postgresAccount(passwd: string = readPasswd()): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const fields = passwd
      .split('\n')
      .find((line) => line.startsWith(`${name}:`))
      ?.split(':')
    const [uid, gid] = [Number(fields?.[2]), Number(fields?.[3])]
    if (uid > 0 && gid > 0) return { uid, gid }
  }
  return { uid: 65_534, gid: 65_534 }
}

function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8')
  } catch {
    return ''
  }
}

export interface Outcome {
  /** Exit code; null after a signal or when the program could not be started. */
  code: number | null
  output: string
}

/**
 * Runs a program to its end as the account, from `/` (our own folder may be closed to it), with an environment
 * that holds nothing of ours. A program that cannot be started is an outcome too, not an exception.
 */
export function runAs(account: Account | undefined, file: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      ...account,
      cwd: '/',
      env: bareEnv(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.once('error', (error) => resolve({ code: null, output: error.message }))
    child.once('close', (code) => resolve({ code, output }))
  })
}

/** English messages (we look for two of them in the log) and no PG* variable of the user. */
export function bareEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
}
