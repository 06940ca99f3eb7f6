import { request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { built, type Child, runNode } from '../../../packages/sdk/testing/child.js'
import { until } from '../../../packages/sdk/testing/until.js'

/** The folder of the programs that the tests of correlation run. */
export const folder = fileURLToPath(new URL('../../correlation', import.meta.url))

export interface Service {
  readonly child: Child
  readonly url: string
}

/** Runs a program of that folder as the README says. */
export function runProgram(file: string, env: Record<string, string>): Child {
  return runNode(['--import', built('sdk/dist/esm/register.js'), `${folder}/${file}`], env)
}

export async function startService(name: string, env: Record<string, string>): Promise<Service> {
  const child = runProgram('service.mjs', { OTEL_SERVICE_NAME: name, ...env })
  const port = () => /^listening (\d+)$/m.exec(child.stdout())?.[1]
  await until(`${name} listens`, () => {
    if (child.process.exitCode !== null) throw new Error(child.stderr())
    return port()
  })
  return { child, url: `http://127.0.0.1:${port()}` }
}

/** Asks from the address of a peer; without headers of ours but those given. */
export function ask(
  url: string,
  headers: Record<string, string | string[]> = {},
  localAddress = '127.0.0.1',
): Promise<{ answered: string | undefined; body: Record<string, string | undefined> }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers, localAddress, agent: false }, async (answer) => {
      answer.setEncoding('utf8')
      let text = ''
      for await (const chunk of answer) text += chunk
      const answered = answer.headers['x-correlation-id']
      resolve({ answered: Array.isArray(answered) ? answered.join() : answered, body: JSON.parse(text) })
    })
    sent.on('error', reject).end()
  })
}
