// What `harness/memory.mjs` and `harness/delay.mjs` have in common: a case in this process, and calls of it in the manner of a server.
import { pathToFileURL } from 'node:url'

const [file, ...numbers] = process.argv.slice(2)

/** The case that the command line names, and the numbers that follow. */
export async function loadCase() {
  const { setup } = await import(pathToFileURL(file).href)
  const { call, flush = async () => {}, close = async () => {} } = await setup()
  return { call, flush, close, numbers: numbers.map(Number) }
}

/** What a case left open (a sink, a keep-alive socket) is not waited for. */
export function finish(result) {
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
}
