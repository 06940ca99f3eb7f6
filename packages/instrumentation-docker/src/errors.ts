/** Why a container did not do its job. Each is a value of `error.type`: `name` of the error, and so of the row and of the metrics. */
export type ContainerErrorName =
  | 'ContainerGone'
  | 'CreateRefused'
  | 'EngineUnreachable'
  | 'ExitCode'
  | 'ImageNotFound'
  | 'JobTimeout'
  | 'OomKilled'
  | 'StartFailed'

export interface ContainerErrorDetails {
  /** The error of the client, where there was one. */
  cause?: unknown
  exitCode?: number
  /** Of the engine's answer. */
  statusCode?: number
}

/** A failure of a container with its class in `name`. `cause` is what the client had thrown. */
export class ContainerError extends Error {
  override readonly name: ContainerErrorName
  readonly exitCode: number | undefined
  readonly statusCode: number | undefined

  constructor(name: ContainerErrorName, message: string, details: ContainerErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : {})
    this.name = name
    this.exitCode = details.exitCode
    this.statusCode = details.statusCode
  }
}

/** An option that `instrumentDocker` was given is out of its range: code `TL_DOCKER_OPTION`. */
export class DockerOptionError extends Error {
  override readonly name = 'DockerOptionError'
  readonly code = 'TL_DOCKER_OPTION'
}
