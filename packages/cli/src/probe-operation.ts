import { business, correlation, track } from '@throughline/core'

/** The program of `throughline dev`'s probe: one tracked operation with one business value, under the ID it is given. */
const probes = business.counter('probes', { unit: '{probe}' })
const probe = track('Throughline.probe', async () => probes.add(1, {}))

await correlation.run(process.argv[2] ?? 'probe', probe)
