import { at, itemsAt } from '../document.js'
import type { Rule } from '../rule.js'

export const defaultRoute: Rule = {
  name: 'default-route',
  reason:
    'What matches no entry of the table is dropped, in silence: the scope or the name that nobody thought of.',
  mend: 'default_pipelines: [metrics/operational], or whichever pipeline takes the rest.',
  check: ({ components }) =>
    components('connectors', 'routing')
      .filter(({ value }) => itemsAt(value, 'default_pipelines').length === 0)
      .map(({ id, value }) => ({
        place: at(value, 'default_pipelines') ?? value,
        severity: 'error' as const,
        what: `${id} has no default_pipelines`,
      })),
}
