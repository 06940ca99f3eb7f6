import { gzipSync } from 'node:zlib'

/** What a file is called, and what is in it. */
export type Files = Readonly<Record<string, string>>

const block = 512

/**
 * Files as one text that a shell unpacks with `base64 -d | tar xz`: a task definition carries them as a variable, so
 * that a set of files and the task that reads them change together, and no bucket, image or file system has to hold
 * them. The same files always give the same text: a task definition changes when they do.
 */
export const pack = (files: Files): string => {
  const parts = Object.entries(files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, text]) => entry(path, Buffer.from(text)))
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * block)]), { level: 9 }).toString('base64')
}

/** A header of the POSIX format `ustar`, and the file, filled up to whole blocks. */
const entry = (path: string, content: Buffer): Buffer[] => {
  if (Buffer.byteLength(path) > 100)
    throw new Error(`${path}: a path of more than 100 bytes does not fit into the header`)
  const header = Buffer.alloc(block)
  const put = (offset: number, text: string): void => void header.write(text, offset, 'latin1')
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0')
  header.write(path, 0)
  put(100, `${octal(0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`)
  put(124, `${octal(content.length, 11)}\0${octal(0, 11)}\0`)
  put(156, '0')
  put(257, 'ustar\x0000')
  // The sum is taken with its own field full of spaces.
  header.fill(' ', 148, 156)
  put(
    148,
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
  )
  return [header, content, Buffer.alloc((block - (content.length % block)) % block)]
}
