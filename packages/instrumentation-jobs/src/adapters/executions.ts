import type { JobExecution } from '../types.js'

const executions = new WeakMap<object, JobExecution>()

/** Keeps the execution beside the library's own job object, so that the handler's arguments stay what they are. */
export const remember = (job: object, execution: JobExecution): void => {
  executions.set(job, execution)
}

/**
 * The execution of a job while its handler has it: phases, metadata of the row, environment and labels for a container. `undefined` for
 * a job whose handler is not instrumented.
 */
export const executionOf = (job: object): JobExecution | undefined => executions.get(job)
