import { join } from 'node:path'
import { CliError } from '../errors.js'
import { withLock } from '../system/lock.js'

/** Holds `stack.lock` of the folder until released. Throws `TL_STACK_LOCKED` with the holder's pid; a dead holder's lock is taken. */
export function holdStackLock(dir: string): Promise<{ release(): Promise<void> }> {
  let holder: number | undefined
  return new Promise((resolve, reject) => {
    const held = withLock(
      join(dir, 'stack.lock'),
      { timeoutMs: 0, onWait: (pid) => (holder = pid) },
      () =>
        new Promise<void>((letGo) => {
          const release = () => {
            letGo()
            return held.then(() => {})
          }
          resolve({ release })
        }),
    )
    held.catch((error: unknown) => {
      if (!(error instanceof CliError) || error.code !== 'TL_LOCK_TIMEOUT') return reject(error)
      reject(
        new CliError(
          'TL_STACK_LOCKED',
          `Process ${holder} runs the stack in ${dir}. End it first, or choose another folder for this one.`,
          { cause: error },
        ),
      )
    })
  })
}
