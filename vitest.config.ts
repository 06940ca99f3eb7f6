import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('.', import.meta.url))

// Unit tests run on the sources: one copy of every package, no build between an edit and its test.
const alias = [
  { find: /^@throughline\/([a-z-]+)$/, replacement: `${root}packages/$1/src/index.ts` },
  { find: /^@throughline\/([a-z-]+)\/([a-z-]+)$/, replacement: `${root}packages/$1/src/$2.ts` },
]
const shared = { resolve: { alias } }

/** Debian's package `postgresql`: the oldest version that is supported. The embedded one is the newest. */
const postgres15 = '/usr/lib/postgresql/15/bin'

export default defineConfig({
  test: {
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'examples/*/src/**/*.test.ts', 'tests/unit/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      ...(existsSync(`${postgres15}/postgres`)
        ? [
            {
              ...shared,
              test: {
                name: 'postgres-15',
                include: ['packages/postgres/src/**/*.test.ts'],
                env: { THROUGHLINE_TEST_POSTGRES_BIN: postgres15 },
                testTimeout: 30_000,
                hookTimeout: 60_000,
              },
            },
          ]
        : []),
      {
        ...shared,
        test: {
          name: 'repository',
          include: ['tests/repository/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'console',
          include: ['tests/console/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 240_000,
          // One browser at a time.
          fileParallelism: false,
        },
      },
      {
        ...shared,
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
