export { integerOf, numberingOf, spanText, textOf } from './span-row/attributes.js'
export { toOperationRow } from './span-row/to-operation-row.js'
