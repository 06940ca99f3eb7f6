/** For Fastify: what is not known is refused and said, not dropped and not turned into something else. */
export const strict = {
  bodyLimit: 262_144,
  ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: true } },
} as const
