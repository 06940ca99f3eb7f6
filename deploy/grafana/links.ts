import { variable } from './variable.ts'

/*
 * Links of a dashboard. Grafana fills in its variables, the cell that the link stands in and the other cells of its row. What stands in them is safe
 * in an address: an ID has at most 128 characters of `[A-Za-z0-9._:-]`.
 */
const cell = variable('__value.raw')
const field = (name: string): string => variable(`__data.fields.${name}`)
const page = (path: string): string => `${variable('console')}/#/${path}`

/** The story of a correlation ID, in the recorder's console. */
export const story = { title: 'Story in the console', url: page(`id/${cell}`) }

/** One trace in Jaeger, by Grafana's Explore. */
export const trace = { title: 'Trace in Jaeger', url: explore({ refId: 'A', query: cell }) }

/** All spans with a correlation ID. Jaeger wants a service to search for a tag. */
export const spansWithId = {
  title: 'Spans in Jaeger',
  url: explore({
    refId: 'A',
    queryType: 'search',
    service: field('service'),
    tags: `correlation.id=${cell}`,
  }),
}

/** The page of one operation in the console. Of the columns that hold its names, the link stands in that of the operation. */
export const operationPage = (columns: { service: string; operationService: string }) => ({
  title: 'Operation in the console',
  url: page(
    `operation?service=${field(columns.service)}&operation_service=${field(columns.operationService)}&operation=${cell}`,
  ),
})

/** The page of one queue in the console. */
export const queuePage = { title: 'Queue in the console', url: page(`jobs?queue=${cell}`) }

function explore(query: Record<string, string>): string {
  const jaeger = variable('jaeger')
  const pane = {
    datasource: jaeger,
    queries: [{ ...query, datasource: { type: 'jaeger', uid: jaeger } }],
    range: { from: variable('__from'), to: variable('__to') },
  }
  // Percent-encoded but for what Grafana fills in.
  const panes = encodeURIComponent(JSON.stringify({ a: pane })).replace(
    /%24%7B(.+?)%7D/g,
    (_, name: string) => variable(name),
  )
  return `/explore?schemaVersion=1&panes=${panes}`
}
