import { readFileSync } from 'node:fs'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

/** Whether the guide shows this file: all of it from its first export on. */
export const isShown = (file: string): boolean => {
  const source = read(`./${file}`)
  return read('../../../../docs/guides/jobs.md').includes(
    `\`\`\`ts\n${source.slice(source.indexOf('export const'))}\`\`\``,
  )
}
