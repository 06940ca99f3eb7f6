import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ports } from './ports.js'
import type { ProcessSpec } from './process.js'

/** Prometheus 3 as an OTLP store: the Collector pushes into it, and it scrapes the Collector's own metrics. Writes its config into `dir`. */
export function prometheusProcess(binary: string, dir: string, ports: Ports): ProcessSpec {
  const url = `http://127.0.0.1:${ports.prometheus}`
  mkdirSync(dir, { recursive: true })
  const configFile = join(dir, 'prometheus.yml')
  // JSON is a part of YAML, and has no quoting rules to get wrong.
  writeFileSync(configFile, `${JSON.stringify(config(ports), null, 2)}\n`)
  return {
    name: 'prometheus',
    url,
    command: binary,
    args: [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      '--storage.tsdb.retention.size=2GB',
      `--web.listen-address=127.0.0.1:${ports.prometheus}`,
      '--web.enable-otlp-receiver',
      '--enable-feature=exemplar-storage',
    ],
    healthUrl: `${url}/-/ready`,
  }
}

function config(ports: Ports): object {
  return {
    global: { scrape_interval: '5s' },
    otlp: {
      promote_resource_attributes: [
        'service.name',
        'service.namespace',
        'service.version',
        'service.instance.id',
        'deployment.environment.name',
      ],
      // One translation for dashboards, rules and documentation.
      translation_strategy: 'UnderscoreEscapingWithSuffixes',
    },
    storage: {
      // What the Collector's queue held while Prometheus was away is older than what other senders wrote since.
      tsdb: { out_of_order_time_window: '30m' },
      exemplars: { max_exemplars: 100_000 },
    },
    scrape_configs: [
      {
        job_name: 'otelcol',
        static_configs: [{ targets: [`127.0.0.1:${ports.collectorMetrics}`] }],
      },
    ],
  }
}
