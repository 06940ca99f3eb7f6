export const POINTS: readonly string[]
export function setFailpoints(specification: string): void
export function timesReached(point: string): number
