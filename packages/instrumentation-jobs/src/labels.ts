import type { Attributes } from '@opentelemetry/api'
import type { Settings } from './options.js'
import type { JobPhase } from './types.js'

/** What every figure of a job is told by. */
export interface JobLabels extends Record<string, string> {
  'job.queue': string
  'job.type': string
}

type Ended = 'completed' | 'failed' | 'cancelled'

/** The sets of attributes of one type of a queue's jobs, each made once: they are the same for every job. */
export interface TypeLabels {
  readonly plain: JobLabels
  /** Of the spans that tell of its message. */
  readonly sent: Attributes
  readonly processed: Attributes
  ofPhase(phase: JobPhase): Attributes
  ofStatus(status: Ended): Attributes
}

export function typeLabels({ queue, system }: Settings, type: string): TypeLabels {
  const plain: JobLabels = { 'job.queue': queue, 'job.type': type }
  const phases = new Map<JobPhase, Attributes>()
  const statuses = new Map<Ended, Attributes>()
  const message = (operation: 'send' | 'process'): Attributes => ({
    'messaging.system': system,
    'messaging.destination.name': queue,
    'messaging.operation.type': operation,
    'messaging.operation.name': operation,
    'job.type': type,
  })
  const kept = <K>(sets: Map<K, Attributes>, key: K, make: () => Attributes): Attributes => {
    let found = sets.get(key)
    if (found === undefined) {
      found = make()
      sets.set(key, found)
    }
    return found
  }
  return {
    plain,
    sent: message('send'),
    processed: { ...message('process'), 'job.queue': queue },
    ofPhase: (phase) => kept(phases, phase, () => ({ ...plain, 'job.phase': phase })),
    ofStatus: (status) => kept(statuses, status, () => ({ ...plain, 'job.status': status })),
  }
}
