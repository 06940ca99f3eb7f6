import { expect } from 'vitest'
import { overflow } from './look.js'
import type { Opened } from './stage.js'

/** Names that somebody could have written into any field of a row. */
export const hostile = [
  '<img src=x onerror="window.attacked=1">',
  '"><script>window.attacked=1</script>',
  "javascript:window.attacked=1//'",
  '</title></style><svg onload=window.attacked=1>',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it shall be one to somebody else.
  '${window.attacked=1}{{constructor.constructor("window.attacked=1")()}}',
  ';background:url(http://127.0.0.1:1/attacked)//',
  '\u202Etxt.exe\u202C \u0007\u001B[31m\uFFFF',
  'W'.repeat(400),
  '__proto__',
  '%3Cscript%3E%ZZ%',
]

export const unharmed = async ({ page, complaints, foreign }: Opened): Promise<void> => {
  expect(await page.evaluate('window.attacked')).toBeUndefined()
  expect(
    await page.evaluate(
      'document.querySelectorAll("img, iframe, object, embed, script:not([src]), style").length',
    ),
  ).toBe(0)
  expect(
    await page.evaluate(
      `[...document.querySelectorAll('a[href]')].filter((a) => !/^(https?:|#)/.test(a.getAttribute('href'))).length`,
    ),
  ).toBe(0)
  expect(complaints).toEqual([])
  expect(foreign).toEqual([])
  expect(await overflow(page)).toEqual([])
}
