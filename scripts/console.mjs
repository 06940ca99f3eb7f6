// The console: packages/recorder/console into one page, one script, one style, all served by the recorder.
import { readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const source = join(root, 'packages/recorder/console')
const output = join(root, 'packages/recorder/dist/console/site')

// Issue 6: what a page loads stays small.
const maxScriptBytes = 200_000

/** Builds the console if it is older than its sources. */
export async function buildConsole() {
  if (isFresh()) return
  const { build } = await import('vite')
  const { output: files } = await build({
    root: source,
    configFile: false,
    envFile: false,
    publicDir: false,
    base: './',
    logLevel: 'warn',
    // The same file whatever NODE_ENV says.
    define: { 'process.env.NODE_ENV': '"production"' },
    esbuild: { jsxDev: false },
    build: {
      outDir: output,
      emptyOutDir: true,
      target: 'es2023',
      // The policy that it is served under takes files of its own host alone.
      assetsInlineLimit: 0,
      modulePreload: false,
      reportCompressedSize: false,
      rollupOptions: { output: { entryFileNames: 'assets/[name]-[hash].js', hashCharacters: 'hex' } },
    },
  })
  const scripts = files.filter((file) => file.type === 'chunk')
  const bytes = scripts.reduce((sum, file) => sum + Buffer.byteLength(file.code), 0)
  if (bytes <= maxScriptBytes) return
  rmSync(output, { recursive: true, force: true })
  throw new Error(`the console's script is ${bytes} bytes, more than ${maxScriptBytes}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildConsole()

function isFresh() {
  const built = changed(output).at(0)
  const newest = [
    ...changed(source),
    ...changed(join(root, 'packages/recorder/src/client')),
    statSync(join(root, 'package-lock.json')).mtimeMs,
    statSync(fileURLToPath(import.meta.url)).mtimeMs,
  ]
  return built !== undefined && built > Math.max(...newest)
}

/** When the files of a folder were written last, the oldest first. */
function changed(folder) {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs)
      .sort((a, b) => a - b)
  } catch {
    return []
  }
}
