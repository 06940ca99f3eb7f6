// For `node --import`, before anything else: the wall clock of this process is SKEW_MS off, and jumps by up to a minute on each SIGUSR2.
let skewMs = Number(process.env.SKEW_MS ?? 0)
let jumps = 0
const now = Date.now
Date.now = () => now() + skewMs
Object.defineProperty(performance, 'timeOrigin', { value: performance.timeOrigin + skewMs })
process.on('SIGUSR2', () => {
  jumps += 1
  skewMs += (jumps % 2 === 0 ? -1 : 1) * ((jumps * 7_919) % 60_000)
})
