import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type BinaryName = 'otelcol' | 'jaeger' | 'prometheus' | 'promtool'

/** One `go build` and what comes out of it. */
export interface ModuleSpec {
  /** Part of the folder name in the cache. */
  name: string
  /** What a person calls it. */
  title: string
  /** Folder with go.mod, go.sum and, where the module has code of its own, its *.go files. */
  dir: string
  /** Build tags. */
  tags?: readonly string[]
  /** Import path of each executable; with more than one, the name is the path's last part. */
  executables: Readonly<Record<string, string>>
}

/**
 * Folder that holds `otel-collector/`: `dist/assets` in the installed package (the build copies it there, so that it
 * travels in the tarball), the repository's root when running from its sources.
 */
export function assetsDir(): string {
  const packed = here('../assets')
  return existsSync(join(packed, 'otel-collector')) ? packed : here('../../../..')
}

/** The modules in the order in which the stack wants them: without the Collector nothing arrives at the other two. */
export function moduleSpecs(): ModuleSpec[] {
  return [
    {
      name: 'otelcol',
      title: 'OpenTelemetry Collector',
      dir: join(assetsDir(), 'otel-collector', 'distribution'),
      executables: { otelcol: '.' },
    },
    {
      name: 'jaeger',
      title: 'Jaeger',
      dir: here('../../go/jaeger'),
      executables: { jaeger: 'github.com/jaegertracing/jaeger/cmd/all-in-one' },
    },
    {
      name: 'prometheus',
      title: 'Prometheus',
      dir: here('../../go/prometheus'),
      // Without the clouds' service discovery: half of the code, none of which a local scrape needs.
      tags: ['netgo', 'remove_all_sd'],
      executables: {
        prometheus: 'github.com/prometheus/prometheus/cmd/prometheus',
        promtool: 'github.com/prometheus/prometheus/cmd/promtool',
      },
    },
  ]
}

// src/binaries and dist/binaries are equally deep.
function here(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url))
}

export interface ModuleFile {
  name: string
  content: Buffer
}

/** Files that decide what is built; the folder's other files (manifest, README) may change without a new build. */
export async function moduleFiles(spec: ModuleSpec): Promise<ModuleFile[]> {
  const names = (await readdir(spec.dir)).filter((name) => /^go\.(mod|sum)$|\.go$/.test(name)).sort()
  return Promise.all(names.map(async (name) => ({ name, content: await readFile(join(spec.dir, name)) })))
}

/** Folder name in the cache: the same for every checkout with the same module files. */
export function cacheKey(spec: ModuleSpec, files: readonly ModuleFile[]): string {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([process.platform, process.arch, spec.tags ?? [], spec.executables]))
  for (const { name, content } of files) hash.update(`\0${name}\0${content.length}\0`).update(content)
  return `${spec.name}-${hash.digest('hex').slice(0, 16)}`
}
