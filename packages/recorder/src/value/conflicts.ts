import { agrees, type Fraction, fixed, fractionOf, over, short, times } from './fraction.js'
import { type Assumption, type Claim, type DatedValue, type ValueModel, valueOn } from './model.js'

/** A claimed figure that does not follow from what was claimed or assumed beside it. */
export type Conflict = {
  source: string
  figure: string
  claimed: string
  /** What the formula gives. */
  computed: string
  formula: string
  inputs: {
    name: string
    value: string
    where: string /** What it would have to be, all else as it is. */
    needed: string
  }[]
  /** One sentence with all of it. */
  message: string
}

type Known = { name: string; value: string; where: string }
/** `figure` = product of `factors` × `constant`. */
type Relation = { figure: string; factors: (Known | undefined)[]; constant: Fraction; shown: string }

const whole = (n: bigint): Fraction => ({ n, d: 1n })

/**
 * Holds what somebody stated against the formulas of the model: needs no rows. Rounded figures agree when they are right
 * to their last digit.
 */
export const conflictsOf = (model: ValueModel): Conflict[] =>
  model.claims.flatMap((claim) =>
    relationsOf(model, claim).flatMap((relation) => {
      const claimed = claimedIn(model, claim, relation.figure)
      const factors = relation.factors.filter((factor) => factor !== undefined)
      if (claimed === undefined || factors.length < relation.factors.length) return []
      const computed = factors.map(({ value }) => fractionOf(value)!).reduce(times, relation.constant)
      const stated = fractionOf(claimed.value)!
      if (agrees(computed, stated, { n: 1n, d: stated.d })) return []
      const inputs = factors.map((factor) => {
        const one = fractionOf(factor.value)!
        const rest = over(computed, one)
        const needed = rest === undefined ? undefined : over(stated, rest)
        return { ...factor, needed: needed === undefined ? 'nothing possible' : short(needed, 2) }
      })
      const result = short(computed, model.scale)
      return [
        {
          source: claim.source,
          figure: claimed.name,
          claimed: claimed.value,
          computed: result,
          formula: relation.shown,
          inputs,
          message: `${claimed.name} is claimed as ${grouped(claimed.value)} (${model.file}:${claimed.line}), and ${relation.shown} gives ${grouped(result)}. It would follow from ${inputs
            .map(
              ({ name, value, where, needed }) =>
                `${name} ${grouped(needed)} instead of ${grouped(value)} (${where})`,
            )
            .join(', or ')}.`,
        },
      ]
    }),
  )

/** `47500` as `47,500`. */
const grouped = (decimal: string): string =>
  decimal.replace(
    /^(-?)(\d+)/,
    (_, sign: string, digits: string) => sign + digits.replace(/\B(?=(\d{3})+$)/g, ','),
  )

const claimedIn = (model: ValueModel, claim: Claim, figure: string) => {
  const found = claim.figures.find(({ name }) => (model.names[name] ?? name) === figure)
  return found
}

const relationsOf = (model: ValueModel, claim: Claim): Relation[] => {
  const claimed = (figure: string): Known | undefined => {
    const found = claimedIn(model, claim, figure)
    return found && { name: found.name, value: found.value, where: `${model.file}:${found.line}` }
  }
  const assumed = (assumption: Assumption | null): Known | undefined => {
    const dated = assumption === null ? undefined : datedFor(claim, assumption)
    if (assumption === null || dated === undefined) return undefined
    return { name: assumption.name, value: dated.value, where: `${model.file}:${dated.line}` }
  }
  // With one operation the totals are its own.
  const [only] = model.operations
  const prefixes = model.operations.map((operation) => ({ prefix: `${operation.name}.`, operation }))
  if (only !== undefined && model.operations.length === 1) prefixes.unshift({ prefix: '', operation: only })
  const perOperation = prefixes
    .filter(({ operation }) => operation.business === null)
    .flatMap(({ prefix, operation }): Relation[] => {
      const successes = claimed(`${prefix}successes`)
      const minutes = assumed(operation.minutesSaved)
      const rate = assumed(operation.hourlyRate)
      const hour: Fraction = { n: 1n, d: 60n }
      const product = (known: (Known | undefined)[]): string =>
        known.map((one) => `${grouped(one?.value ?? '?')} ${one?.name ?? ''}`).join(' × ')
      return [
        {
          figure: `${prefix}hours_saved`,
          factors: [successes, minutes],
          constant: hour,
          shown: `${product([successes, minutes])} ÷ 60`,
        },
        {
          figure: `${prefix}savings`,
          factors: [successes, minutes, rate],
          constant: hour,
          shown: `${product([successes, minutes])} ÷ 60 × ${product([rate])}`,
        },
      ]
    })
  return [...perOperation, ...yearRelation(model, claim)]
}

/** Twelve of the claimed months against the year that was planned. */
const yearRelation = (model: ValueModel, claim: Claim): Relation[] => {
  if (!claim.perMonth || model.plan === null) return []
  const factors = model.plan.factors.map((factor) => ({
    name: `plan.${factor.name}`,
    value: factor.value,
    where: `${model.file}:${factor.line}`,
  }))
  const shown = `${factors.map(({ name, value }) => `${grouped(value)} ${name}`).join(' × ')} ÷ 12 months`
  return [{ figure: 'savings', factors, constant: { n: 1n, d: 12n }, shown }]
}

const datedFor = (claim: Claim, assumption: Assumption): DatedValue | undefined =>
  claim.on === null
    ? [...assumption.values].sort((a, b) => ((a.from ?? '') < (b.from ?? '') ? -1 : 1)).at(-1)
    : valueOn(assumption, claim.on)

/** What the plan comes to, from the model alone: savings of a year, over the cost, and the net return. */
export const planOf = (
  model: ValueModel,
): { savings: string; overCostPercent: string | null; netRoiPercent: string | null } | null => {
  if (model.plan === null) return null
  const savings = model.plan.factors.map(({ value }) => fractionOf(value)!).reduce(times, whole(1n))
  const cost = model.investments
    .map(({ amount }) => fractionOf(amount)!)
    .reduce((sum, one) => ({ n: sum.n * one.d + one.n * sum.d, d: sum.d * one.d }), whole(0n))
  const ratio = over(times(savings, whole(100n)), cost)
  const net = ratio && { n: ratio.n - 100n * ratio.d, d: ratio.d }
  return {
    savings: fixed(savings, model.scale),
    overCostPercent: ratio === undefined ? null : short(ratio, 2),
    netRoiPercent: net === undefined ? null : short(net, 2),
  }
}
