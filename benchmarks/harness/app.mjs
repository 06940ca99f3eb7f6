// The first line of an application: how long the process has lived, in ms.
const lived = performance.now()
const { user, system } = process.cpuUsage()
process.stdout.write(`${JSON.stringify({ value: lived, cpu: (user + system) / 1_000 })}\n`, () =>
  process.exit(0),
)
