// Runs cases interleaved, each in a process of its own, several times over: what disturbs the machine disturbs all of them.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const measure = fileURLToPath(new URL('measure.mjs', import.meta.url))
const run = promisify(execFile)

/** Median CPU and wall time of a call in ns, of the medians of each process; with the range of the latter. */
export async function compare(cases, { processes, rounds, calls, onProgress = () => {} }) {
  const medians = new Map(cases.map((name) => [name, { cpu: [], wall: [] }]))
  for (let i = 0; i < processes; i += 1) {
    for (const name of cases) {
      onProgress(`${name} (${i + 1}/${processes})`)
      const file = fileURLToPath(
        new URL(name.includes('/') ? `../${name}.mjs` : `../cases/${name}.mjs`, import.meta.url),
      )
      const { stdout } = await run(process.execPath, [measure, file, String(rounds), String(calls)], {
        maxBuffer: 2 ** 24,
      })
      const { cpu, wall } = JSON.parse(stdout.trim().split('\n').at(-1))
      medians.get(name).cpu.push(median(cpu))
      medians.get(name).wall.push(median(wall))
    }
  }
  return new Map(
    [...medians].map(([name, { cpu, wall }]) => [
      name,
      { cpu: median(cpu), cpuRange: [Math.min(...cpu), Math.max(...cpu)], wall: median(wall) },
    ]),
  )
}

/**
 * The ratio of two cases: of their medians. The median of the ratios of neighbours moved twice as much from run to run on a shared
 * machine, since a disturbance of a second hits one of a pair and not the other.
 */
export function ratio(results, a, b) {
  return results.get(a).cpu / results.get(b).cpu
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
