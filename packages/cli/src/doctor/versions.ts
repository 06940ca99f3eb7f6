/** `1.10.0` as numbers; what follows a hyphen or plus does not count. Undefined for what is no version. */
export function versionOf(text: string): readonly [number, number, number] | undefined {
  const parts = /^v?(\d+)\.(\d+)\.(\d+)/.exec(text)
  return parts === null ? undefined : [Number(parts[1]), Number(parts[2]), Number(parts[3])]
}

/** Below zero: `a` is the older one. What is no version is older than any. */
export function compareVersions(a: string, b: string): number {
  const [first, second] = [versionOf(a) ?? [-1, 0, 0], versionOf(b) ?? [-1, 0, 0]]
  return first[0] - second[0] || first[1] - second[1] || first[2] - second[2]
}
