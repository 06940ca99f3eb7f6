import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../packages/recorder/dist/main.js', import.meta.url))

/** A recorder as the README starts it, on a port of its own, ready to answer. */
export async function startRecorder(
  databaseUrl,
  { nodeOptions = [], environment = {}, stderr = 'inherit' } = {},
) {
  const child = spawn(process.execPath, [...nodeOptions, main], {
    env: {
      ...process.env,
      THROUGHLINE_DATABASE_URL: databaseUrl,
      THROUGHLINE_RECORDER_AUTH: 'off',
      THROUGHLINE_RECORDER_PORT: '0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', stderr],
  })
  const exited = once(child, 'exit')
  const line = once(createInterface({ input: child.stdout }), 'line')
  const early = exited.then(([code]) => {
    throw new Error(`the recorder ended with ${code}`)
  })
  early.catch(() => {})
  const [text] = await Promise.race([line, early])
  const { url, pid } = JSON.parse(text)
  for (;;) {
    const answer = await fetch(`${url}/healthz`)
    await answer.arrayBuffer()
    if (answer.ok) break
    await delay(100)
  }
  return {
    url,
    pid,
    stop: async () => {
      child.kill()
      await exited
    },
  }
}
