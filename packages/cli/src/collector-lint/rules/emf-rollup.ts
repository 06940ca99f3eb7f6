import { scalarAt } from '../document.js'
import type { Rule } from '../rule.js'

export const emfRollup: Rule = {
  name: 'emf-rollup',
  reason:
    'Each metric is sent once more for every single dimension and once without any, and each is billed: with three dimensions five times.',
  mend: 'dimension_rollup_option: NoDimensionRollup',
  check: ({ components }) =>
    components('exporters', 'awsemf').flatMap(({ id, value }) => {
      const option = scalarAt(value, 'dimension_rollup_option')
      if (option?.text === 'NoDimensionRollup') return []
      const what = `${id} rolls dimensions up (${option?.text ?? 'ZeroAndSingleDimensionRollup, the default'})`
      return [{ place: option ?? value, severity: 'error' as const, what }]
    }),
}
