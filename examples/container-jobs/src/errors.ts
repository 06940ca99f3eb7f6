/** What was asked for is no job that can be run; the message says why. */
export class InvalidJob extends Error {
  override readonly name = 'InvalidJob'
  readonly statusCode = 400
}

/** Nobody knows a job of that ID, or it ended so long ago that it was forgotten. */
export class UnknownJob extends Error {
  override readonly name = 'UnknownJob'
  readonly statusCode = 404

  constructor() {
    super('there is no job of that id')
  }
}

/** It has ended: there is nothing left to cancel. */
export class JobEnded extends Error {
  override readonly name = 'JobEnded'
  readonly statusCode = 409

  constructor(status: string) {
    super(`the job is ${status} already`)
  }
}

/** Reason of the signal that ends a job which nobody wants any more. */
export class JobCancelled extends Error {
  override readonly name = 'JobCancelled'

  constructor() {
    super('cancelled')
  }
}

/** Reason of the signal that ends a job because whoever runs it stops. */
export class JobAborted extends Error {
  override readonly name = 'JobAborted'

  constructor() {
    super('the runner stopped, or the queue took the job away')
  }
}

/** The image is not here and could not be brought here. */
export class PullFailed extends Error {
  override readonly name = 'PullFailed'
}

/** Whoever ran it was killed: nobody knows how its container would have ended. */
export class RunnerLost extends Error {
  override readonly name = 'RunnerLost'

  constructor() {
    super('its runner ended without a word')
  }
}
