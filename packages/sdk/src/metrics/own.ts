import type { Metric } from '@throughline/otlp'
import type { Notices } from '../notices.js'
import type { Shipper } from '../shipper.js'
import type { Spool } from '../spool/spool.js'
import type { PointTimes } from './points.js'

/** The SDK's own health, scope `throughline.sdk`: what it sent, holds, refused and dropped. */
export function collectOwn(times: PointTimes, notices: Notices, shipper: Shipper, spool: Spool): Metric[] {
  const shipped = shipper.counts()
  return [
    counter(times, 'throughline.ship.requests', '{request}', 'Requests with records.', shipped.requests),
    counter(
      times,
      'throughline.ship.failures',
      '{request}',
      'Requests with records that were not acknowledged.',
      shipped.failures,
    ),
    counter(times, 'throughline.ship.records', '{record}', 'Records taken by the receiver.', shipped.records),
    counter(
      times,
      'throughline.ship.repeated',
      '{record}',
      'Records sent again because the recorder did not confirm them in time.',
      shipped.repeated,
    ),
    gauge(
      times,
      'throughline.ship.unconfirmed',
      '{record}',
      'Records that the receiver took and the recorder has not confirmed yet.',
      shipped.unconfirmed,
    ),
    gauge(
      times,
      'throughline.spool.pending',
      'By',
      'Bytes of segments that hold a record not yet acknowledged.',
      spool.pendingBytes(),
    ),
    gauge(
      times,
      'throughline.spool.memory',
      'By',
      'Bytes of records that are in memory alone.',
      spool.memoryBytes(),
    ),
    {
      name: 'throughline.notices',
      unit: '{notice}',
      description: 'What was refused, dropped or replaced, by reason.',
      data: {
        kind: 'sum',
        monotonic: true,
        temporality: 'cumulative',
        points: [...notices.counts()].map(([reason, value]) => ({ ...times, attributes: { reason }, value })),
      },
    },
  ]
}

function counter(times: PointTimes, name: string, unit: string, description: string, value: number): Metric {
  const points = [{ ...times, attributes: {}, value }]
  return {
    name,
    unit,
    description,
    data: { kind: 'sum', monotonic: true, temporality: 'cumulative', points },
  }
}

function gauge(times: PointTimes, name: string, unit: string, description: string, value: number): Metric {
  return { name, unit, description, data: { kind: 'gauge', points: [{ ...times, attributes: {}, value }] } }
}
