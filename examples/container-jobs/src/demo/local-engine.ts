import Docker from 'dockerode'
import { Missing } from './busybox.js'

/** Where the engine is: for a client of Docker, and for a plain HTTP request. */
export interface LocalEngine {
  readonly docker: Docker
  readonly connection: { socketPath: string } | { host: string; port: number }
}

const PATIENCE_MS = 5_000

/**
 * The engine of DOCKER_HOST, or of /var/run/docker.sock.
 * @throws Missing saying how to get one, if none answers
 */
export async function localEngine(env: NodeJS.ProcessEnv = process.env): Promise<LocalEngine> {
  const named = env.DOCKER_HOST || 'unix:///var/run/docker.sock'
  const connection = connectionOf(named)
  const docker = new Docker(connection)
  let timer: NodeJS.Timeout | undefined
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS / 1_000} s`)), PATIENCE_MS)
    })
    await Promise.race([docker.ping(), late])
    return { docker, connection }
  } catch (error) {
    throw new Missing(
      [
        `No Docker engine answers at ${named} (${(error as Error).message}).`,
        'The jobs of this example run in containers. On Debian and Ubuntu: apt-get install docker.io busybox-static, and as root',
        '`dockerd &` where no service manager starts it. One that is elsewhere: DOCKER_HOST=unix:///path/to.sock or tcp://host:2375.',
        'Everything else runs without an engine: npm start.',
      ].join('\n'),
    )
  } finally {
    clearTimeout(timer)
  }
}

/** @throws Missing for an address that this demonstration cannot stand in front of */
function connectionOf(named: string): LocalEngine['connection'] {
  if (named.startsWith('unix://')) return { socketPath: named.slice('unix://'.length) }
  const url = URL.canParse(named) ? new URL(named) : undefined
  if ((url?.protocol === 'tcp:' || url?.protocol === 'http:') && process.env.DOCKER_TLS_VERIFY === undefined)
    return { host: url.hostname, port: Number(url.port || 2375) }
  throw new Missing(
    `DOCKER_HOST is ${named}; this demonstration talks to unix:// and to tcp:// without TLS. The runner itself takes all.`,
  )
}
