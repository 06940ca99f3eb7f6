/** The same work and the same six attributes as in ../../cases/shared.mjs; the peers bring an OpenTelemetry of their own. */
export const work = async (i) => i + 1

export const attributes = (i) => ({
  'order.id': i,
  'order.plan': 'pro',
  'order.site': 'cologne',
  'order.items': 3,
  'order.express': true,
  'customer.kind': 'business',
})
