import { mergeConfig } from 'vitest/config'
import documented from './vitest.config.mjs'

export default mergeConfig(documented, {
  test: { include: ['lines.test.mjs'], globals: true, fsModuleCache: false },
})
