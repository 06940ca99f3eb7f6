import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { processStart } from '../system/processes.js'
import { holdStackLock } from './lock.js'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'throughline-lock-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

it('a second stack in the same folder is refused and told who holds it', async () => {
  const lock = await holdStackLock(dir)
  await expect(holdStackLock(dir)).rejects.toMatchObject({
    code: 'TL_STACK_LOCKED',
    message: expect.stringContaining(`Process ${process.pid} runs the stack in ${dir}`),
  })
  await lock.release()
  await (await holdStackLock(dir)).release()
})

it('the lock of a killed holder is taken at once', async () => {
  const holder = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  await once(holder, 'spawn')
  writeFileSync(join(dir, 'stack.lock'), `${holder.pid}\n${processStart(holder.pid!)}`)
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  await (await holdStackLock(dir)).release()
})
