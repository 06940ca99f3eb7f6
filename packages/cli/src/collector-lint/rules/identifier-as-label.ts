import type { Collector } from '../collector.js'
import { type Place, scalarsBelow, type Value } from '../document.js'
import type { Rule } from '../rule.js'

/** A value of its own for each request, user, trace, job or container. */
const IDENTIFIER =
  /(?:^|[^a-z])(?:correlation|user|enduser|customer|trace|span|request|session|message|execution|job|container|order)[._-]?id(?:$|[^a-z])/i

export const identifierAsLabel: Rule = {
  name: 'identifier-as-label',
  reason:
    'Each value is a series of its own: memory in Prometheus, a billed metric in CloudWatch, and a graph of one point. Identifiers are on exemplars, spans and rows.',
  mend: 'Take it out; look a single request up by throughline show ID.',
  check: (collector) =>
    labelsIn(collector)
      .filter(({ text }) => IDENTIFIER.test(text))
      .map(({ text, where, ...place }) => ({
        place,
        severity: 'error' as const,
        what: `${where} makes a label of ${text}`,
      })),
}

type Label = Place & { text: string; where: string }

/** Names that become labels or dimensions. */
function labelsIn(collector: Collector): Label[] {
  const { components, pipelines, component } = collector
  const dimensions = [
    ...components('exporters', 'awsemf').flatMap(({ id, value }) => under(value, 'dimensions', id)),
    ...['span_metrics', 'signal_to_metrics', 'count', 'sum'].flatMap((type) =>
      components('connectors', type).flatMap(({ id, value }) => [
        ...under(value, 'dimensions', id),
        ...under(value, 'attributes', id),
      ]),
    ),
    ...components('exporters', 'prometheus').flatMap(({ id, value }) =>
      under(value, 'resource_constant_labels', id),
    ),
  ]
  const written = pipelines
    .filter(({ signal }) => signal === 'metrics')
    .flatMap(({ processors }) => processors)
    .flatMap(({ id, type }) => {
      const value = component('processors', id)
      if (type === 'attributes') return actionsOf(value, id)
      return type === 'transform' ? statementsOf(value, id) : []
    })
  return [...dimensions, ...written]
}

/** Every text below a key of that name, however deep. */
function under(value: Value, key: string, where: string): Label[] {
  if (value.kind === 'list') return value.items.flatMap((item) => under(item, key, where))
  if (value.kind !== 'map') return []
  return [...value.entries].flatMap(([name, child]) =>
    name === key ? labelsOf(child, where) : under(child, key, where),
  )
}

function labelsOf(value: Value, where: string): Label[] {
  return scalarsBelow(value).map(({ file, line, raw }) => ({ file, line, text: raw, where }))
}

/** The attributes processor: what deletes or hashes none makes a label. */
function actionsOf(value: Value | undefined, where: string): Label[] {
  const actions = value?.kind === 'map' ? value.entries.get('actions') : undefined
  return (actions?.kind === 'list' ? actions.items : []).flatMap((item) => {
    if (item.kind !== 'map') return []
    const action = item.entries.get('action')
    const adds = action?.kind === 'scalar' && /^(?:insert|update|upsert)$/.test(action.text)
    const key = item.entries.get('key')
    return adds && key !== undefined ? labelsOf(key, where) : []
  })
}

/** The transform processor: `set(attributes["…"], …)`. */
function statementsOf(value: Value | undefined, where: string): Label[] {
  return scalarsBelow(value).flatMap(({ file, line, raw }) => {
    const name = /\bset\(\s*(?:datapoint\.)?attributes\["([^"]+)"\]/.exec(raw)?.[1]
    return name === undefined ? [] : { file, line, text: name, where }
  })
}
