import type { FiguresEvent, OperationsEvent } from '../api/schemas/stream.js'

export type StreamEvent =
  | { event: 'operations'; data: OperationsEvent }
  | { event: 'figures'; data: FiguresEvent }

/** The events of a body of `text/event-stream`; what is of another name is left out. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let text = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      text += decoder.decode(value, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const event = eventOf(block)
        if (event !== undefined) yield event
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

const eventOf = (block: string): StreamEvent | undefined => {
  const lines = block.split('\n')
  const field = (name: string): string =>
    lines
      .filter((line) => line.startsWith(`${name}: `))
      .map((line) => line.slice(name.length + 2))
      .join('\n')
  const event = field('event')
  if (event !== 'operations' && event !== 'figures') return undefined
  return { event, data: JSON.parse(field('data')) } as StreamEvent
}
