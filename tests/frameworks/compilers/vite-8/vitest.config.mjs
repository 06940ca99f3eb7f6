import { defineConfig } from 'vitest/config'
import { standardDecorators } from './decorators.mjs'

export default defineConfig({
  plugins: [standardDecorators],
})
