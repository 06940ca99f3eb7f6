// No import: the Vitest of the repository, which is run here, is not the one that is installed in this folder.
export default {
  test: { include: ['lines.test.mjs'], globals: true, fsModuleCache: false },
}
