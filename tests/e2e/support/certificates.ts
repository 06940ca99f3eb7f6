import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Certificates {
  /** File of the authority that signed the others. */
  ca: string
  server: { cert: string; key: string }
  client: { cert: string; key: string }
}

/** Makes an authority and two certificates of it in the folder: one of a server on 127.0.0.1, one of a client. They end after two days. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const file = (name: string) => join(folder, name)
  const make = (name: string, ...more: string[]) =>
    promisify(execFile)('openssl', [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...[
        '-subj',
        `/CN=throughline test ${name}`,
        '-keyout',
        file(`${name}.key`),
        '-out',
        file(`${name}.pem`),
      ],
      ...more,
    ])
  const signed = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-addext', 'basicConstraints=CA:FALSE']
  await make('ca')
  await make('server', ...signed, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost')
  await make('client', ...signed)
  const pair = (name: string) => ({ cert: file(`${name}.pem`), key: file(`${name}.key`) })
  return { ca: file('ca.pem'), server: pair('server'), client: pair('client') }
}
