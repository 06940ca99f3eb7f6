import { counters, figures, money } from './metrics.ts'

/** Range of a rate, and pause between two points of a line. */
const SECONDS = 300

const selector = (name: string): string => `{"${name}", "@instrumentation.@name"="throughline.business"}`
const service = '"@resource.service.name"'

interface PanelBody {
  type: 'explore' | 'divider'
  title?: string
  description?: string
  layout: { x: number; y: number; w: number; h: number }
  config: object
}

/** PromQL over OTLP metrics. 60 columns; y and h in pixels. */
const explore = (
  layout: PanelBody['layout'],
  title: string,
  description: string,
  visualization: 'line' | 'number',
  queryString: string,
): PanelBody => ({
  type: 'explore',
  title,
  description,
  layout,
  config: {
    queryString,
    queryLanguage: 'promql',
    visualization,
    autoRun: true,
    promqlQueryOptions: { step: SECONDS },
  },
})

const lines = [
  ...counters.map(
    ([name, title]) =>
      [title, 'A second, by service.', `sum by (${service}) (rate(${selector(name)}[5m]))`] as const,
  ),
  ...money.map(
    ([name, title]) =>
      [
        title,
        'A second, by currency.',
        `sum by (${service}, currency) (rate(${selector(name)}[5m]))`,
      ] as const,
  ),
]

/** The body of a dashboard of CloudWatch Omni. */
export const omni: { panels: PanelBody[]; scope: object } = {
  scope: { timeRange: { start: 'now-6h', end: 'now' } },
  panels: [
    ...figures.map(([name, title], at) =>
      explore(
        { x: (at % 4) * 15, y: 160 * Math.floor(at / 4), w: 15, h: 160 },
        title,
        'Of the value model, from the rows.',
        'number',
        `max by (model, period, currency) (${selector(name)})`,
      ),
    ),
    ...lines.map(([title, about, query], at) =>
      explore(
        { x: (at % 2) * 30, y: 160 + 320 * Math.floor(at / 2), w: 30, h: 320 },
        title,
        about,
        'line',
        query,
      ),
    ),
  ],
}
