import { dim, say } from './print.js'

/** A table with a head, each column as wide as its widest cell; the last one as wide as it is. */
export function columns(head: readonly string[], lines: readonly (readonly string[])[]): void {
  const widths = head.map((title, at) =>
    Math.max(...[title, ...lines.map((line) => line[at] ?? '')].map((cell) => cell.length)),
  )
  const row = (cells: readonly string[]) =>
    cells
      .map((cell, at) => (at === cells.length - 1 ? cell : cell.padEnd(widths[at]!)))
      .join('  ')
      .trimEnd()
  say(dim(row(head)))
  for (const line of lines) say(row(line))
}
