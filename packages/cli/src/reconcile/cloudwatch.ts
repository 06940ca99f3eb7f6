import type { BusinessSum } from '@throughline/postgres/audit'
import type { CloudWatchPoint } from '../cloudwatch/points.js'

/**
 * The value of a business metric over these instances, from the points of the CloudWatch stand-in: the last of each series, since they are
 * cumulative. Undefined when it has no such series.
 */
export function cloudWatchBusiness(
  points: readonly CloudWatchPoint[],
  instances: ReadonlySet<string>,
  { name, labels }: Pick<BusinessSum, 'name' | 'labels'>,
): number | undefined {
  const last = new Map<string, CloudWatchPoint>()
  for (const point of points) {
    const instance = String(point.resource['service.instance.id'])
    if (point.name !== name || !instances.has(instance)) continue
    if (!Object.entries(labels).every(([key, value]) => point.labels[key] === value)) continue
    const key = JSON.stringify([instance, Object.entries(point.labels).sort()])
    const known = last.get(key)
    if (known === undefined || known.time <= point.time) last.set(key, point)
  }
  if (last.size === 0) return undefined
  return [...last.values()].reduce((total, { value }) => total + Number(value ?? 0), 0)
}
