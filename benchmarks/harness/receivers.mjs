// Receivers that a service may meet: one that answers, none at all, and one that takes requests and never answers.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

export async function receivers() {
  const up = await sink()
  const hanging = await sink('hang')
  return {
    up: up.url,
    down: await nobody(),
    hanging: hanging.url,
    close: () => [up, hanging].map((one) => one.kill()),
  }
}

async function sink(...args) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('sink.mjs', import.meta.url)), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = await once(child.stdout.setEncoding('utf8'), 'data')
  return { url: `http://127.0.0.1:${Number(port)}`, kill: () => child.kill() }
}

/** A port that was free a moment ago: connections to it are refused. */
async function nobody() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return `http://127.0.0.1:${port}`
}
