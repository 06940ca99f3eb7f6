import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ports } from './ports.js'
import type { ProcessSpec } from './process.js'

/** What `deploy/prometheus` wants of it. */
export interface Rules {
  /** Absolute paths of rule files, `*` in the last part allowed. */
  files: readonly string[]
  /** Holds a token of role `read`: rules about the recorder need its metrics page. */
  tokenFile: string
}

/** Prometheus 3 as an OTLP store: the Collector pushes into it, and it scrapes the Collector's own metrics. Writes its config into `dir`. */
export function prometheusProcess(binary: string, dir: string, ports: Ports, rules?: Rules): ProcessSpec {
  const url = `http://127.0.0.1:${ports.prometheus}`
  mkdirSync(dir, { recursive: true })
  const configFile = join(dir, 'prometheus.yml')
  // JSON is a part of YAML, and has no quoting rules to get wrong.
  writeFileSync(configFile, `${JSON.stringify(config(ports, rules), null, 2)}\n`)
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

function config(ports: Ports, rules: Rules | undefined): object {
  return {
    global: { scrape_interval: '5s' },
    ...(rules === undefined ? {} : { rule_files: rules.files }),
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
      ...(rules === undefined ? [] : [recorderScrape(ports, rules)]),
    ],
  }
}

function recorderScrape(ports: Ports, { tokenFile }: Rules): object {
  return {
    job_name: 'throughline-recorder',
    metrics_path: '/metrics/prometheus',
    authorization: { credentials_file: tokenFile },
    static_configs: [{ targets: [`127.0.0.1:${ports.recorder}`] }],
  }
}
