/*
 * node --import @throughline/sdk/register app.js     (ESM and CommonJS applications alike)
 *
 * The hooks come first, so that modules of either kind (import and require) can be instrumented; then everything else.
 */
import { slot } from '@throughline/core/runtime'
import { hookModules } from './otel/module-hooks.js'
import { start } from './start.js'

async function register(): Promise<void> {
  if (process.env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return
  try {
    await hookModules(import.meta.resolve('import-in-the-middle/register-hooks.mjs'))
  } catch {
    // Before 22.22.3 and 24.11.1. http and undici need no hook; records, metrics and correlation neither.
    process.stderr.write(
      `throughline: Node ${process.versions.node} cannot hook ES modules: instrumentations beside http and undici see only what is required\n`,
    )
  }
  await start()
}

try {
  // Awaited at the top level, so that the application's own modules load after the instrumentations stand.
  await register()
} catch (error) {
  // The application runs on: telemetry that cannot start must not keep a service down. And core need not say again that there is none.
  slot.early = ''
  process.stderr.write(
    `throughline: not started, nothing is recorded: ${error instanceof Error ? error.message : String(error)}\n`,
  )
}
