import { structuredPatch } from 'diff'
import { bold, dim, green, red } from '../terminal/print.js'
import { printable } from '../terminal/printable.js'

/** One file as it is and as it shall be. */
export interface Change {
  /** In the folder of the service, with forward slashes. */
  readonly path: string
  /** `null`: there is none. */
  readonly before: string | null
  /** `null`: it goes away. */
  readonly after: string | null
  /** What stands behind a `=` is not shown. */
  readonly secret?: boolean
}

/** A unified diff, one string a line, painted for a terminal. */
export function unifiedDiff({ path, before, after, secret = false }: Change): string[] {
  const shown = (text: string | null) => (secret ? hidden(text ?? '') : (text ?? ''))
  const { hunks } = structuredPatch(path, path, shown(before), shown(after), '', '', { context: 3 })
  return [
    bold(`--- ${before === null ? '/dev/null' : `a/${path}`}`),
    bold(`+++ ${after === null ? '/dev/null' : `b/${path}`}`),
    ...hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
      dim(`@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`),
      ...lines.map((line) => painted(printable(line.replace(/\r$/, '')))),
    ]),
  ]
}

/** Of no lines, the place is that before them. */
const range = (start: number, lines: number): string => `${lines === 0 ? start - 1 : start},${lines}`

function painted(line: string): string {
  if (line.startsWith('+')) return green(line)
  return line.startsWith('-') ? red(line) : line
}

function hidden(text: string): string {
  return text.replace(/^(\w+)=.+$/gm, '$1=…')
}
