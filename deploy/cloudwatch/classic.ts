import { counters, money } from './metrics.ts'

/** Of the awsemf exporter: its option `namespace`. */
const NAMESPACE = 'Throughline'
const PERIOD_SECONDS = 300

type Widget = {
  type: 'metric' | 'text'
  x: number
  y: number
  width: number
  height: number
  properties: object
}

// Whatever dimensions it has: the labels of a business metric are the user's own.
const search = (name: string, stat: string): string =>
  `SEARCH('Namespace="${NAMESPACE}" MetricName="${name}"', '${stat}', ${PERIOD_SECONDS})`

const metric = (
  [x, y, width, height]: readonly [number, number, number, number],
  title: string,
  expressions: readonly { expression: string; label: string; id: string }[],
): Widget => ({
  type: 'metric',
  x,
  y,
  width,
  height,
  properties: {
    title,
    view: 'timeSeries',
    region: 'us-east-1',
    period: PERIOD_SECONDS,
    metrics: expressions.map((one) => [one]),
    yAxis: { left: { min: 0 } },
  },
})

const header = `# Business metrics
Classic metrics of the namespace \`${NAMESPACE}\`. Of these the Collector makes metrics of the names that it declares. What came over OTLP is not here: it is asked for by PromQL, see deploy/cloudwatch/README.md.`

/** The body of `aws cloudwatch put-dashboard`. */
export const classic = {
  start: '-PT6H',
  periodOverride: 'inherit',
  widgets: [
    { type: 'text', x: 0, y: 0, width: 24, height: 2, properties: { markdown: header } },
    ...counters.map(([name, title], at) =>
      metric([0, 2 + 6 * at, 12, 6], `${title}, in five minutes`, [
        { id: 'c1', expression: search(name, 'Sum'), label: '' },
      ]),
    ),
    ...money.map(([name, title], at) =>
      metric([12, 2 + 6 * at, 12, 6], `${title}, in five minutes`, [
        { id: 'm1', expression: search(name, 'Sum'), label: '' },
      ]),
    ),
  ] satisfies Widget[],
}
