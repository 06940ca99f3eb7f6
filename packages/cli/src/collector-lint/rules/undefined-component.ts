import type { Section } from '../collector.js'
import { itemsAt } from '../document.js'
import type { Rule } from '../rule.js'

export const undefinedComponent: Rule = {
  name: 'undefined-component',
  reason:
    'What no file defines cannot be looked at: the Collector would not start, and nothing below is sure.',
  mend: 'Give all files of the Collector, in the order of its --config options, or define it.',
  check({ root, pipelines, component }) {
    const known = (sections: Section[], id: string) =>
      sections.some((section) => component(section, id) !== undefined)
    const missing = pipelines.flatMap((pipeline) =>
      (
        [
          [pipeline.receivers, ['receivers', 'connectors']],
          [pipeline.processors, ['processors']],
          [pipeline.exporters, ['exporters', 'connectors']],
        ] as const
      ).flatMap(([uses, sections]) => uses.filter(({ id }) => !known([...sections], id))),
    )
    const extensions = itemsAt(root, 'service', 'extensions').flatMap((item) =>
      item.kind === 'scalar' && !known(['extensions'], item.raw) ? { ...item, id: item.raw } : [],
    )
    const faults = [...missing, ...extensions].map((use) => ({
      place: use,
      severity: 'error' as const,
      what: `${use.id} is used and not defined`,
    }))
    if (pipelines.length > 0) return faults
    return [...faults, { place: root, severity: 'error' as const, what: 'there is no pipeline' }]
  },
}
