import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { expect, test, vi } from 'vitest'
import { value } from '../../../packages/cli/src/commands/value.js'
import { useValueDatabase } from '../../../packages/recorder/test/value-database.js'
import { lastMonth } from './value.js'

const database = useValueDatabase()
const here = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const guide = readFileSync(here('docs/guides/value.md'), 'utf8')
const model = here('examples/dyno-allocation/value.yaml')
const blocks = (language: string) =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, code]) => code ?? '',
  )

/** The October of the guide. */
const october = async (): Promise<void> => {
  const metadata = { conflicts: 0 }
  await database.add({ day: '2026-10-01', count: 2_800, users: 20, durationUs: 156_700, metadata })
  await database.add({ day: '2026-10-30', count: 47, durationUs: 156_700, metadata: { conflicts: 1 } })
}

const printed = async (...args: string[]): Promise<string> => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  await value([...args, '--model', model, '--database', database.url])
  const text = stripVTControlCharacters(write.mock.calls.map(([chunk]) => String(chunk)).join(''))
  write.mockRestore()
  return text.replaceAll(model, 'value.yaml').replace(/ +$/gm, '')
}

test('the model in the guide to the value of operations is that of the example', () => {
  const source = readFileSync(model, 'utf8')
  expect(blocks('yaml').length).toBeGreaterThan(2)
  expect(blocks('yaml').filter((code) => !source.includes(code))).toEqual([])
})

test('what it shows of the terminal is what the commands print', async () => {
  await october()
  const [report, savings] = blocks('text')
  expect(await printed('report', '--period', '2026-10')).toBe(`${report}\n`)
  expect(await printed('explain', 'savings', '--period', '2026-10')).toContain(savings)
  const conflict = /^> (.*)$/m.exec(guide)?.[1]
  expect(await printed('explain', 'savings', '--period', '2026-10')).toContain(conflict)
})

test('its code reports a month and freezes it', async () => {
  const source = readFileSync(here('tests/unit/guides/value.ts'), 'utf8')
  expect(blocks('ts').length).toBe(1)
  expect(source).toContain(blocks('ts')[0])
  await october()
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  expect(await lastMonth(database.pool, model, '2026-10')).toMatchObject({ value: '9490.00', rows: 2847 })
  expect(warn).toHaveBeenCalledTimes(2)
  warn.mockRestore()
  await expect(lastMonth(database.pool, model, '2026-10')).rejects.toMatchObject({ code: 'TL_VALUE_FROZEN' })
})
