import { useRef } from 'preact/hooks'
import type { PerformanceAnswer } from '../../src/client.js'
import { go, linkWith, type Route } from '../router.js'

/** The services that were seen in any answer of this page so far: one that is chosen leaves the others choosable. */
export const ServicePicker = ({ route, answer }: { route: Route; answer: PerformanceAnswer | undefined }) => {
  const seen = useRef(new Set<string>())
  const chosen = route.params.get('service')
  for (const { service } of answer?.versions ?? []) seen.current.add(service)
  for (const { service } of answer?.operations ?? []) seen.current.add(service)
  if (chosen !== null) seen.current.add(chosen)
  return (
    <select
      aria-label="Service"
      value={chosen ?? ''}
      onChange={(event) => go(linkWith(route, { service: event.currentTarget.value || null }))}
    >
      <option value="">All services</option>
      {[...seen.current].sort().map((service) => (
        <option key={service} value={service}>
          {service}
        </option>
      ))}
    </select>
  )
}
