import { transform } from 'esbuild'

/** Standard decorators for Vite 8, whose own transformer leaves them as they are, and no Node reads them. */
export const standardDecorators = {
  name: 'standard-decorators',
  enforce: 'pre',
  async transform(code, id) {
    if (!/\.[cm]?tsx?$/.test(id) || !/^\s*@\w/m.test(code)) return null
    const loader = /x$/.test(id) ? 'tsx' : 'ts'
    return transform(code, {
      loader,
      target: 'es2022',
      keepNames: true,
      sourcemap: true,
      sourcefile: id,
      tsconfigRaw: {},
    })
  },
}
