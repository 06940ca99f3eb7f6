type Known<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** Without the keys whose value is undefined: a parameter that is not given has none. */
export const known = <T extends object>(given: T): Known<T> =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Known<T>
