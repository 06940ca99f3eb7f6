import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { newSecret } from '@throughline/postgres/tokens'
import { assetsDir } from '../binaries/modules.js'
import type { Profile } from '../stack/collector.js'
import { composeFile } from './compose-file.js'
import { readText } from './read.js'

/** A file that is ours to make. */
export interface PipelineFile {
  /** In the folder of the pipeline, with forward slashes. */
  readonly path: string
  readonly text: string
  /** Is shown without what stands behind its `=`. */
  readonly secret: boolean
}

const PROMETHEUS = `# The translation and the promoted attributes are part of our rules and dashboards.
global: {scrape_interval: 15s}
otlp:
  translation_strategy: UnderscoreEscapingWithSuffixes
  promote_resource_attributes: [service.name, service.namespace, service.version, service.instance.id, deployment.environment.name]
storage:
  # What the Collector's queue held while Prometheus was away is older than what other senders wrote since.
  tsdb: {out_of_order_time_window: 30m}
scrape_configs:
  - job_name: otelcol
    static_configs: [{targets: ["collector:8888"]}]
`

/** The Collector's own files as this version ships them, the compose file around them, and secrets that nobody else has. */
export function pipelineFiles(profile: Profile, project: string, version: string): PipelineFile[] {
  const collector = join(assetsDir(), 'otel-collector')
  const shipped = ['base.yaml', `profiles/${profile}.yaml`].map((path) => ({
    path: `collector/${path}`,
    text: readText(join(collector, path)) ?? '',
    secret: false,
  }))
  return [
    ...shipped,
    ...(profile === 'cloudwatch' ? [] : [{ path: 'prometheus.yaml', text: PROMETHEUS, secret: false }]),
    { path: 'compose.yaml', text: composeFile(profile, project, version), secret: false },
    { path: '.env', text: secrets(), secret: true },
    // It travels with the folder: the service's own .gitignore stays as it is.
    { path: '.gitignore', text: '.env\n', secret: false },
  ]
}

function secrets(): string {
  return `# For compose.yaml beside it. Made by throughline init for this folder alone.
POSTGRES_PASSWORD=${randomBytes(24).toString('base64url')}
THROUGHLINE_INGEST_TOKEN=${newSecret('ingest')}
`
}
