import type Docker from 'dockerode'
import type { Engine } from './engine.js'

/** The engine's own file of a container's log: two of 1 MB at most, however much the job writes. */
export const logConfig: Docker.HostConfig['LogConfig'] = {
  Type: 'json-file',
  Config: { 'max-size': '1m', 'max-file': '2' },
}

/** Header of a frame: stream, three zeros, length in four bytes. */
const HEADER = 8

/** The end of a container's log, standard output and error as they came, `maxBytes` at most. */
export async function readLog(
  engine: Engine,
  container: Docker.Container,
  maxBytes: number,
): Promise<string> {
  const frames = await container.logs({ stdout: true, stderr: true, ...engine.limited() })
  return tail(frames, maxBytes)
}

/** The last bytes of what the frames hold, as text that a database takes. */
export function tail(frames: Buffer, maxBytes: number): string {
  const parts: Buffer[] = []
  for (let at = 0; at + HEADER <= frames.length; ) {
    const length = frames.readUInt32BE(at + 4)
    parts.push(frames.subarray(at + HEADER, at + HEADER + length))
    at += HEADER + length
  }
  const all = Buffer.concat(parts)
  return all
    .subarray(Math.max(0, all.length - maxBytes))
    .toString('utf8')
    .replaceAll('\0', '\uFFFD')
}
