// For `node --import`: runs TypeScript sources without a build, as vitest does: './x.js' is './x.ts', and
// '@throughline/x' is the source of that package, '@throughline/x/y' its file y. Types are stripped by Node itself.
import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

const packages = new URL('../../', import.meta.url)

registerHooks({
  resolve(specifier, context, next) {
    const own = /^@throughline\/([a-z-]+)(?:\/([a-z-]+))?$/.exec(specifier)
    if (own) return next(new URL(`${own[1]}/src/${own[2] ?? 'index'}.ts`, packages).href, context)
    if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL) {
      const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL)
      if (source.protocol === 'file:' && existsSync(fileURLToPath(source))) return next(source.href, context)
    }
    return next(specifier, context)
  },
})
