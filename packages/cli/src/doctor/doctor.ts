import { type Examination, newExamination } from './examination.js'
import { type Hop, hopNames, type Result } from './hop.js'
import { arrivalHops } from './hops/arrivals.js'
import { collectorHops } from './hops/collector.js'
import { measurementHops } from './hops/measurements.js'
import { postgresHops } from './hops/postgres.js'
import { projectHops } from './hops/project.js'
import { recorderHops } from './hops/recorder.js'
import { sendingHop } from './hops/sending.js'
import { spoolHop } from './hops/spool.js'
import { storeHops } from './hops/stores.js'
import { runHops } from './run-hops.js'
import type { Targets } from './targets.js'

export interface DoctorOptions {
  readonly targets: Targets
  /** Folder of the service; undefined: nothing of a project is looked at. */
  readonly project: string | undefined
  readonly timeoutMs: number
  readonly waitMs: number
}

export interface Diagnosis {
  /** Correlation ID of what was sent. */
  readonly id: string
  readonly traceId: string
  readonly tookMs: number
  readonly results: readonly Result[]
  /** Nothing failed, and so nothing was left unreached. */
  readonly ok: boolean
}

/** Looks at every hop. Takes at most about `waitMs` and some `timeoutMs`, whatever hangs. */
export async function diagnose(
  options: DoctorOptions,
  onResult: (result: Result, examination: Examination) => void = () => {},
): Promise<Diagnosis> {
  const { targets, project, timeoutMs, waitMs } = options
  const began = performance.now()
  const examination = newExamination(targets, { timeoutMs, waitMs })
  const hops: Hop[] = [
    ...(project === undefined ? [] : projectHops(project, timeoutMs)),
    spoolHop(targets.spoolDir, timeoutMs),
    ...collectorHops(examination),
    ...recorderHops(examination),
    ...postgresHops(examination),
    ...storeHops(examination),
    sendingHop(examination),
    ...arrivalHops(examination),
    ...measurementHops(examination),
  ].sort((a, b) => hopNames.indexOf(a.name) - hopNames.indexOf(b.name))
  const results = await runHops(hops, (result) => onResult(result, examination))
  return {
    id: examination.synthetic.id,
    traceId: examination.synthetic.traceId,
    tookMs: performance.now() - began,
    results,
    ok: results.every(({ state }) => state !== 'failed' && state !== 'not reached'),
  }
}
