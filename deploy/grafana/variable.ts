/** What Grafana fills in: a variable of the dashboard, or `__value.raw`, the cell that a link stands in. */
export const variable = (name: string): string => `\${${name}}`
