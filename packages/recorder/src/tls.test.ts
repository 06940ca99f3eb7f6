import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { useRecorder } from '../test/running-recorder.js'
import { createRecorder } from './index.js'

const recorder = useRecorder()
// Of localhost, signed by itself: it opens nothing.
const file = (name: string): string => fileURLToPath(new URL(`../test/tls/${name}.pem`, import.meta.url))

test('with certificate and key the recorder speaks HTTPS', async () => {
  const own = createRecorder({
    databaseUrl: recorder.databaseUrl,
    port: 0,
    auth: 'off',
    tlsCert: file('cert'),
    tlsKey: file('key'),
  })
  try {
    const { url } = await own.listen()
    expect(url).toMatch(/^https:/)
    const status = await new Promise((resolve, reject) => {
      request(`${url}/openapi.json`, { ca: readFileSync(file('cert')) }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
        .on('error', reject)
        .end()
    })
    expect(status).toBe(200)
  } finally {
    await own.close()
  }
})

test('a certificate that cannot be read is said before anything listens', () => {
  const options = { databaseUrl: recorder.databaseUrl, tlsCert: file('cert'), tlsKey: file('nothing') }
  expect(() => createRecorder(options)).toThrow(expect.objectContaining({ code: 'TL_RECORDER_OPTION' }))
})
