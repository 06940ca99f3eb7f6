// Legacy decorators need no plugin: `experimentalDecorators` of the nearest tsconfig.json is enough.
export default {
  test: { include: ['lines.test.mjs'], globals: true, fsModuleCache: false },
}
