import { test } from 'vitest'
import { compileFixture } from '../../testing/compile.js'

test('types of wrapped functions stay, label sets are closed, wrong options are errors', async () => {
  const compiled = await compileFixture('types')
  await compiled.remove()
})
