/**
 * node deploy/cost/cost.ts: computes the monthly cost of the three profiles from inputs.yaml and writes docs/guides/cost.md.
 * Formulas and page stand beside each other here, so that the page says what is computed; a test compares the two.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export type Profile = 'prometheus' | 'cloudwatch' | 'hybrid'
type Setup = 'stack' | 'small'
const profiles: readonly Profile[] = ['prometheus', 'cloudwatch', 'hybrid']

interface Price {
  usd: number
  per: string
  checked: boolean
  date: string
  source: string
}

interface Task {
  vcpu: number
  gb: number
  count: number
}

export interface Inputs {
  as_of: string
  hours: number
  prices: Record<string, Price>
  bytes_per_point: { number: number; histogram: number }
  load: {
    instances: number
    export_interval_s: number
    operational_histograms: number
    operational_numbers: number
    business_numbers: number
    operations_per_s: number
    record_bytes: number
    row_bytes: number
    record_days: number
    prometheus_gb: number
    log_gb: number
  }
  setups: Record<
    Setup,
    {
      tasks: Record<'collector' | 'recorder' | 'jaeger' | 'prometheus' | 'grafana', Task>
      database: { price: string; zones: number; least_gb: number }
      nat_gateways: number
      public_addresses: number
      secrets: number
      alarms: number
    }
  >
  reference: {
    prometheus: { claimed: number; tasks: number; vcpu: number; gb: number; efs_gb: number }
    cloudwatch: { claimed: number; metrics: number }
    hybrid: { claimed: number; metrics: number }
  }
}

export const readInputs = (): Inputs => parse(readFileSync(here('inputs.yaml'), 'utf8')) as Inputs

/** One line of a bill. `part`: the stores of metrics, which is what the first documents priced, or everything else. */
export interface Line {
  what: string
  part: 'metrics' | 'rest'
  usd: number
}

const GB = 1e9

/** GB a month that go to CloudWatch's OTLP endpoint. */
export function cloudWatchGb(inputs: Inputs, profile: Profile): number {
  const { load, bytes_per_point: bytes, hours } = inputs
  const exports = (hours * 3600) / load.export_interval_s
  const business = load.business_numbers * bytes.number
  const operational = load.operational_histograms * bytes.histogram + load.operational_numbers * bytes.number
  const perExport = { prometheus: 0, hybrid: business, cloudwatch: business + operational }[profile]
  return (exports * perExport) / GB
}

/** The bill of a month. */
export function billOf(inputs: Inputs, profile: Profile, setup: Setup): Line[] {
  const { load, hours } = inputs
  const { tasks, database, ...made } = inputs.setups[setup]
  const usd = priceOf(inputs)
  const task = ({ vcpu, gb, count }: Task): number =>
    count * hours * (vcpu * usd('fargate_vcpu') + gb * usd('fargate_gb'))
  const recordsGb = (load.operations_per_s * load.record_bytes * hours * 3600) / GB
  const rowsGb = (load.operations_per_s * load.row_bytes * load.record_days * 86_400) / GB
  const databaseGb = Math.max(database.least_gb, rowsGb)
  const otlpGb = cloudWatchGb(inputs, profile)
  const prometheus = profile !== 'cloudwatch'
  const cloudwatch = profile !== 'prometheus'
  const lines: (Line | false)[] = [
    prometheus && {
      what: 'Prometheus and Grafana',
      part: 'metrics',
      usd: task(tasks.prometheus) + task(tasks.grafana),
    },
    prometheus && {
      what: 'their file system',
      part: 'metrics',
      // Compaction writes each block some three times.
      usd: load.prometheus_gb * (usd('efs_stored') + 3 * usd('efs_written') + usd('efs_read')),
    },
    cloudwatch && { what: 'CloudWatch, OTLP', part: 'metrics', usd: otlpGb * usd('cloudwatch_otlp') },
    cloudwatch && { what: 'CloudWatch dashboard', part: 'metrics', usd: usd('cloudwatch_dashboard') },
    { what: 'Collector', part: 'rest', usd: task(tasks.collector) },
    {
      what: 'its queues on the file system',
      part: 'rest',
      usd: (recordsGb + otlpGb) * (usd('efs_written') + usd('efs_read')),
    },
    { what: 'recorder', part: 'rest', usd: task(tasks.recorder) },
    { what: 'Jaeger', part: 'rest', usd: task(tasks.jaeger) },
    {
      what: 'Postgres',
      part: 'rest',
      usd: database.zones * (hours * usd(database.price) + databaseGb * usd('db_storage')),
    },
    {
      what: 'load balancer',
      part: 'rest',
      usd: hours * (usd('balancer_hour') + usd('balancer_unit')),
    },
    {
      what: 'way out of the network',
      part: 'rest',
      usd:
        made.nat_gateways * (hours * usd('nat_hour') + (otlpGb + load.log_gb) * usd('nat_gb')) +
        made.public_addresses * hours * usd('ipv4'),
    },
    {
      what: 'logs, alarms, secrets',
      part: 'rest',
      usd:
        load.log_gb * usd('cloudwatch_logs') +
        made.alarms * usd('cloudwatch_alarm') +
        made.secrets * usd('secret'),
    },
  ]
  return lines.filter((line) => line !== false)
}

/** The numbers of the first documents, from what they must have counted. */
export function referenceOf(inputs: Inputs): Record<Profile, { claimed: number; derived: number }> {
  const { reference, hours } = inputs
  const usd = priceOf(inputs)
  const { tasks, vcpu, gb, efs_gb } = reference.prometheus
  const prometheus =
    tasks * hours * (vcpu * usd('fargate_vcpu') + gb * usd('fargate_gb')) + efs_gb * usd('efs_stored')
  const classic = (metrics: number): number => metrics * usd('cloudwatch_metric')
  return {
    prometheus: { claimed: reference.prometheus.claimed, derived: prometheus },
    cloudwatch: { claimed: reference.cloudwatch.claimed, derived: classic(reference.cloudwatch.metrics) },
    hybrid: {
      claimed: reference.hybrid.claimed,
      derived: prometheus + classic(reference.hybrid.metrics),
    },
  }
}

const priceOf =
  ({ prices }: Inputs) =>
  (name: string): number => {
    const price = prices[name]
    if (price === undefined) throw new Error(`inputs.yaml has no price ${name}`)
    return price.usd
  }

const sum = (lines: readonly Line[], part?: Line['part']): number =>
  lines.filter((line) => part === undefined || line.part === part).reduce((all, { usd }) => all + usd, 0)

const dollars = (usd: number): string => Math.round(usd).toLocaleString('en-US')
const cents = (usd: number): string => usd.toFixed(2)
const row = (...cells: (string | number)[]): string[] => cells.map(String)
/** Columns of numbers are aligned to the right. */
const table = (head: string[], rows: string[][]): string => {
  const isNumber = (column: number): boolean => rows.every((cells) => /^[*\d.,]*$/.test(cells[column] ?? ''))
  return [head, head.map((_, n) => (isNumber(n) ? '---:' : '---')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

/** A load with other numbers in it. */
const withLoad = (inputs: Inputs, load: Partial<Inputs['load']>): Inputs => ({
  ...inputs,
  load: { ...inputs.load, ...load },
})

const bill = (inputs: Inputs, setup: Setup): string => {
  const bills = profiles.map((profile) => billOf(inputs, profile, setup))
  const names = [...new Set(bills.flat().map(({ what }) => what))]
  const rows = names.map((name) =>
    row(
      name,
      ...bills.map((lines) => {
        const line = lines.find(({ what }) => what === name)
        return line === undefined ? '' : cents(line.usd)
      }),
    ),
  )
  const total = (part: Line['part'] | undefined, name: string): string[] =>
    row(`**${name}**`, ...bills.map((lines) => `**${dollars(sum(lines, part))}**`))
  return table(
    [`\`${setup}\`, USD a month`, ...profiles],
    [...rows, total('metrics', 'the stores of metrics'), total(undefined, 'everything')],
  )
}

/** docs/guides/cost.md, whole. */
export function pageOf(inputs: Inputs): string {
  const { load, prices, bytes_per_point: bytes, reference } = inputs
  const derived = referenceOf(inputs)
  const usd = priceOf(inputs)
  const metricsOf = (of: Inputs, profile: Profile, setup: Setup): string =>
    dollars(sum(billOf(of, profile, setup), 'metrics'))
  const byOtlp = (metrics: number, seconds: number): number =>
    (((inputs.hours * 3600) / seconds) * metrics * bytes.number * usd('cloudwatch_otlp')) / GB
  const slower = withLoad(inputs, { export_interval_s: 60 })
  const unchecked = Object.values(prices).filter(({ checked }) => !checked).length

  return `# What it costs

Computed by \`node deploy/cost/cost.ts\` from [inputs.yaml](../../deploy/cost/inputs.yaml), as of ${inputs.as_of}: US dollars a month, us-east-1, on
demand, before tax and discounts. A test compares this page with the computation. Of the ${Object.keys(prices).length} prices ${unchecked} could not be
checked; they are marked as assumptions. Put in your own load and prices before you rely on a number.

${table(
  [
    'profile',
    'stores of metrics, `small`',
    'everything, `small`',
    'stores of metrics, `stack`',
    'everything, `stack`',
    'the first documents',
  ],
  profiles.map((profile) => {
    const cells = (['small', 'stack'] as const).flatMap((setup) => {
      const lines = billOf(inputs, profile, setup)
      return [dollars(sum(lines, 'metrics')), dollars(sum(lines))]
    })
    return row(`\`${profile}\``, ...cells, dollars(reference[profile].claimed))
  }),
)}

\`stack\` is what [deploy/aws](aws.md) makes by default: two zones for the database, two recorders, a NAT gateway. \`small\` is the least
that keeps the same promises: one zone, no spare. "Everything" has what the profiles share: Collector, recorder, Postgres, Jaeger, the load
balancer. They are the rows and the traces, not the metrics, and so the first documents did not count them.

## The 50, 1,500 and 200 of the first documents

${table(
  ['', 'said', 'comes out', 'if it is'],
  [
    row(
      '`prometheus`',
      reference.prometheus.claimed,
      cents(derived.prometheus.derived),
      `${reference.prometheus.tasks} tasks of ${reference.prometheus.vcpu} vCPU and ${reference.prometheus.gb} GB, ${reference.prometheus.efs_gb} GB of EFS`,
    ),
    row(
      '`cloudwatch`',
      reference.cloudwatch.claimed.toLocaleString('en-US'),
      cents(derived.cloudwatch.derived),
      `${reference.cloudwatch.metrics.toLocaleString('en-US')} classic metrics`,
    ),
    row(
      '`hybrid`',
      reference.hybrid.claimed,
      cents(derived.hybrid.derived),
      `the first row and ${reference.hybrid.metrics} classic metrics`,
    ),
  ],
)}

- **50 holds** for Prometheus and Grafana alone. Load balancer, database, Collector and Jaeger are not in it.
- **1,500 holds for classic metrics**, which cost ${cents(usd('cloudwatch_metric'))} each a month, however often they are sent. It does not for the OTLP endpoint, which
  is the profile's default: it counts bytes. ${reference.cloudwatch.metrics.toLocaleString('en-US')} series of counters cost ${dollars(byOtlp(reference.cloudwatch.metrics, load.export_interval_s))} there at
  ${load.export_interval_s} s between two exports, ${dollars(byOtlp(reference.cloudwatch.metrics, 60))} at 60 s. "High-frequency" is what made no difference then, and makes all of it now.
- **200 holds for classic metrics** likewise. By OTLP the ${reference.hybrid.metrics} cost ${dollars(byOtlp(reference.hybrid.metrics, load.export_interval_s))} at ${load.export_interval_s} s and not ${dollars(derived.hybrid.derived - derived.prometheus.derived)}.
- A series is one sender's: two instances with the same labels are two series by OTLP, and one classic metric, since no dimension names the
  instance. So with many instances and few labels the classic profile can be the cheaper one: it is from
  ${(usd('cloudwatch_metric') / byOtlp(1, load.export_interval_s)).toFixed(1)} instances a metric at ${load.export_interval_s} s, from ${(usd('cloudwatch_metric') / byOtlp(1, 60)).toFixed(0)} at 60 s.

## What is counted

${bill(inputs, 'stack')}

${bill(inputs, 'small')}

## What changes it most

- **The export interval**, in \`cloudwatch\` and \`hybrid\`. With \`OTEL_METRIC_EXPORT_INTERVAL=60000\` the stores of metrics of \`stack\` cost
  ${metricsOf(slower, 'cloudwatch', 'stack')} instead of ${metricsOf(inputs, 'cloudwatch', 'stack')} in \`cloudwatch\`, ${metricsOf(slower, 'hybrid', 'stack')} instead of ${metricsOf(inputs, 'hybrid', 'stack')} in \`hybrid\`.
- **Instances**: each sends its own series. Twice as many of them double the line "CloudWatch, OTLP", and leave Prometheus as it is up to the
  memory of its task.
- **Operations**: each is a row for ${load.record_days} days. Ten times the load, ${load.operations_per_s * 10} a second, is ${dollars((load.operations_per_s * 10 * load.row_bytes * load.record_days * 86_400) / GB)} GB in Postgres. Sampling traces changes nothing
  here; a shorter retention (\`THROUGHLINE_RECORDER_RETENTION_DAYS\`) does.
- **An identifier as a label** would be a series, or a metric, for each request. The Collector [takes them out](profiles.md#identifiers-are-no-labels).

## Formulas

| line | formula |
| --- | --- |
| a task | count × ${inputs.hours} h × (vCPU × \`fargate_vcpu\` + GB × \`fargate_gb\`) |
| CloudWatch, OTLP | ${inputs.hours} × 3,600 ÷ interval × Σ (series × bytes a point) ÷ 10⁹ × \`cloudwatch_otlp\` |
| classic metrics | metrics × \`cloudwatch_metric\`, up to 10,000 |
| file system of Prometheus | GB × (\`efs_stored\` + 3 × \`efs_written\` + \`efs_read\`): compaction writes a block about three times |
| queues of the Collector | (GB of records + GB to CloudWatch) × (\`efs_written\` + \`efs_read\`): each goes through the disk once |
| Postgres | zones × (${inputs.hours} h × class + max(GB of rows, least GB) × \`db_storage\`) |
| load balancer | ${inputs.hours} h × (\`balancer_hour\` + one \`balancer_unit\`) |
| way out of the network | gateways × (${inputs.hours} h × \`nat_hour\` + GB × \`nat_gb\`) + addresses × ${inputs.hours} h × \`ipv4\` |
| logs, alarms, secrets | GB × \`cloudwatch_logs\` + alarms × \`cloudwatch_alarm\` + secrets × \`secret\` |

Not in it: the services themselves, data that leaves the region, backups beyond the size of the database, API queries of CloudWatch.

## Inputs

The load: ${load.instances} instances export every ${load.export_interval_s} s ${load.operational_histograms} histograms and ${load.operational_numbers} numbers of operations and ${load.business_numbers} business series; ${load.operations_per_s} operations a
second, rows of ${load.row_bytes} B kept for ${load.record_days} days; ${load.prometheus_gb} GB in Prometheus, ${load.log_gb} GB of logs. A point has ${bytes.number} B (a number with one exemplar) or ${bytes.histogram} B (a histogram with
three), as our encoder writes it with name, labels and resource, which is what AWS says it counts; a test measures it.

${table(
  ['price', 'USD', 'per', 'as of', 'source'],
  Object.entries(prices).map(([name, { usd: price, per, date, checked, source }]) =>
    row(`\`${name}\``, price, per, date, checked ? source : `**assumption**: ${source}`),
  ),
)}
`
}

if (import.meta.main) {
  writeFileSync(here('../../docs/guides/cost.md'), pageOf(readInputs()))
}
