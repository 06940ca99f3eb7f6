/** Decimal places of a currency of ISO 4217: 2 of USD, 0 of JPY; undefined for a code that there is not. */
export const currencyPlaces = (code: string): number | undefined => {
  if (!Intl.supportedValuesOf('currency').includes(code)) return undefined
  const format = new Intl.NumberFormat('en', { style: 'currency', currency: code }).resolvedOptions()
  return format.maximumFractionDigits
}
