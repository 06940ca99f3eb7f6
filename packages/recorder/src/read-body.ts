import type { IncomingMessage } from 'node:http'
import { createGunzip } from 'node:zlib'
import { RecorderError } from './errors.js'

/** The bytes that all requests without an answer may hold together. */
export type ByteBudget = {
  take: (bytes: number) => boolean
  give: (bytes: number) => void
  taken: () => number
  left: () => number
}

export const createByteBudget = (maxBytes: number): ByteBudget => {
  let left = maxBytes
  return {
    take(bytes) {
      if (bytes > left) return false
      left -= bytes
      return true
    },
    give(bytes) {
      left += bytes
    },
    taken: () => maxBytes - left,
    left: () => left,
  }
}

type BodyLimits = { maxBodyBytes: number; maxInflatedBytes: number }

/**
 * The whole body, inflated if need be. Both limits are counted as the bytes come, so what a bomb would become is never
 * made: inflating stops at the first byte too many. What the sender still sends after a refusal is read and thrown
 * away, since a connection that is cut would keep it from reading the answer; `requestTimeoutMs` bounds that.
 * The bytes stay taken from `budget` when it resolves; the caller gives them back.
 */
export const readBody = (
  request: IncomingMessage,
  encoding: 'gzip' | 'identity',
  limits: BodyLimits,
  budget: ByteBudget,
): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    // Known beforehand to be too much: not a byte of it is kept. A length that is a lie is counted as it comes.
    const announced = Number(request.headers['content-length'] ?? 0)
    if (announced > limits.maxBodyBytes) {
      request.resume()
      reject(tooLarge('the body as it was sent', limits.maxBodyBytes))
      return
    }
    if (announced > budget.left()) {
      request.resume()
      reject(new RecorderError('TL_RECORDER_BUSY', 'requests without an answer hold all the memory they may'))
      return
    }
    const gunzip = encoding === 'gzip' ? createGunzip() : undefined
    const chunks: Buffer[] = []
    let received = 0
    let length = 0

    const stop = (): void => {
      request.off('data', receive).off('end', receiveEnd).off('close', cut).off('error', cut)
      gunzip?.off('data', keep).off('end', finish).destroy()
    }
    const fail = (error: RecorderError): void => {
      stop()
      budget.give(length)
      length = 0
      chunks.length = 0
      request.resume()
      reject(error)
    }
    const finish = (): void => {
      stop()
      resolve(Buffer.concat(chunks, length))
    }
    const keep = (chunk: Buffer): void => {
      if (length + chunk.length > limits.maxInflatedBytes) {
        fail(tooLarge('the body', limits.maxInflatedBytes))
      } else if (!budget.take(chunk.length)) {
        fail(new RecorderError('TL_RECORDER_BUSY', 'requests without an answer hold all the memory they may'))
      } else {
        length += chunk.length
        chunks.push(chunk)
      }
    }
    const receive = (chunk: Buffer): void => {
      received += chunk.length
      if (received > limits.maxBodyBytes) {
        fail(tooLarge('the body as it was sent', limits.maxBodyBytes))
      } else if (gunzip === undefined) {
        keep(chunk)
      } else if (!gunzip.write(chunk)) {
        request.pause()
        gunzip.once('drain', () => request.resume())
      }
    }
    const receiveEnd = (): void => {
      if (gunzip === undefined) finish()
      else gunzip.end()
    }
    const cut = (): void => {
      if (!request.complete) fail(malformed('the connection ended before the body did'))
    }

    gunzip?.on('data', keep).on('end', finish)
    gunzip?.on('error', (error) => fail(malformed(`the body is not gzip: ${error.message}`)))
    request.on('data', receive).on('end', receiveEnd).on('close', cut).on('error', cut)
  })

const tooLarge = (what: string, bytes: number): RecorderError =>
  new RecorderError('TL_BODY_TOO_LARGE', `${what} is larger than ${bytes} bytes: send smaller requests`)

const malformed = (message: string): RecorderError => new RecorderError('TL_BODY_MALFORMED', message)
