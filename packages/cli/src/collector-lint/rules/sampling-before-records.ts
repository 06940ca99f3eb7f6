import type { Rule } from '../rule.js'

const samplers = new Set(['tail_sampling', 'probabilistic_sampler', 'adaptive_sampler'])

export const samplingBeforeRecords: Rule = {
  name: 'sampling-before-records',
  reason:
    'A record is not a picture of a request but the row itself: what sampling leaves out is missing in every sum.',
  mend: 'Sample on the way to the trace store alone: a pipeline of its own with the same receiver.',
  check: ({ ways }) =>
    ways
      .filter(({ carries }) => carries === 'records')
      .flatMap(({ exporter, processors }) =>
        processors
          .filter(({ type }) => samplers.has(type))
          .map((use) => ({
            place: use,
            severity: 'error' as const,
            what: `${use.id} leaves records out before ${exporter.id}`,
          })),
      ),
}
