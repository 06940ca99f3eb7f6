let known: ReadonlySet<string> | undefined

/**
 * Decimal places of a currency, as ISO 4217 has them: 2 for USD, 0 for JPY, 3 for KWD.
 * @throws TypeError for a code that Intl does not know
 */
export function currencyScale(name: string, currency: string): number {
  known ??= new Set(Intl.supportedValuesOf('currency'))
  if (!known.has(currency))
    throw new TypeError(`${name}: currency '${String(currency)}' is not a code of ISO 4217 such as USD`)
  const format = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions()
  return format.maximumFractionDigits ?? 2
}
