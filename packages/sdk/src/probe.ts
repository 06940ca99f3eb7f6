import { post } from './http-post.js'

/** An empty request is a valid one in OTLP: it goes the whole way, with its headers, and leaves nothing behind. */
const NOTHING = new Uint8Array()

/** Whether the receiver of the records answers, in words for the status line. Never rejects. */
export async function probe(
  url: string,
  headers: Record<string, string>,
  timeoutMs: number,
): Promise<string> {
  try {
    const { status } = await post(url, NOTHING, headers, timeoutMs)
    return status >= 200 && status < 300 ? 'it answers' : `it answers ${status}`
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return `no answer: ${code ?? message}; records are kept until there is one`
  }
}
