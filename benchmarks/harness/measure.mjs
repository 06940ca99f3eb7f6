// One case in a process of its own: warm-up, then rounds of awaited calls; prints the CPU and wall time of a call, in ns, round by round.
//   node harness/measure.mjs <case file> <rounds> <calls a round>
import { pathToFileURL } from 'node:url'

const [file, rounds, calls] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
const { setup } = await import(pathToFileURL(file).href)
const { call, flush = async () => {}, close = async () => {}, inside = (run) => run() } = await setup()

/** The event loop turns every 400 calls, as in a server under load: timers and sockets get their share. */
async function round(count) {
  for (let i = 0; i < count; i += 1) {
    await call(i)
    if (i % 400 === 399) await new Promise((resolve) => setImmediate(resolve))
  }
  await flush()
}

// `inside` enters what surrounds the calls, a request for example, once for all of them.
await inside(() => round(calls))
await inside(() => round(calls))
const cpu = []
const wall = []
for (let i = 0; i < rounds; i += 1) {
  const cpuBefore = process.threadCpuUsage()
  const wallBefore = performance.now()
  await inside(() => round(calls))
  const { user, system } = process.threadCpuUsage(cpuBefore)
  cpu.push(((user + system) * 1_000) / calls)
  wall.push(((performance.now() - wallBefore) * 1_000_000) / calls)
}
await close()
process.stdout.write(`${JSON.stringify({ cpu, wall })}\n`)
// What a case left open (a sink, a keep-alive socket) is not waited for.
process.exit(0)
