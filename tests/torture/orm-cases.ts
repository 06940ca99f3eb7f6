import type { Bench, Case, Group } from './case.js'

/** What the three builders have in common: a lazy thenable for a statement. Types by structure, as they are installed on demand. */
export interface Orm {
  readonly name: string
  /** A query that sleeps on the server and answers with 7. */
  slow(ms: number): PromiseLike<unknown>
  /** An INSERT that is one only when it is executed. */
  insert(): PromiseLike<unknown>
  inserted(): Promise<number>
  /** A statement that Postgres refuses. */
  wrong(): PromiseLike<unknown>
  /** The answer of `slow`. */
  read(rows: unknown): unknown
  clone?(query: PromiseLike<unknown>): PromiseLike<unknown>
}

const MS = 30

function ormGroup(name: string, orm: () => Orm, runsTwice: boolean, clones: boolean, error: string): Group {
  const slow = (bench: Bench) => {
    const query = orm().slow(MS)
    const returned = bench.wrap(() => query)()
    bench.same('the result', returned, query)
    return returned
  }
  const cases: Case[] = [
    {
      what: `${name}: awaited later`,
      back: 'the same object; not executed before',
      records: ['success'],
      async run(bench) {
        const query = bench.wrap(() => orm().insert())()
        const before = await orm().inserted()
        await new Promise((resolve) => setTimeout(resolve, 10))
        bench.same('rows before it is awaited', await orm().inserted(), before)
        await query
        bench.same('rows after', await orm().inserted(), before + 1)
      },
    },
    {
      what: `${name}: ${MS} ms on the server`,
      back: 'its rows',
      records: ['success'],
      async run(bench) {
        bench.same('the value', orm().read(await bench.took(MS, slow(bench))), 7)
      },
    },
    {
      what: `${name}: awaited twice`,
      back: runsTwice ? 'executed twice, as without' : 'executed once, as without',
      records: runsTwice ? ['success', 'success'] : ['success'],
      async run(bench) {
        const before = await orm().inserted()
        const query = bench.wrap(() => orm().insert())()
        await query
        await query
        bench.same('executions', (await orm().inserted()) - before, runsTwice ? 2 : 1)
      },
    },
    {
      what: `${name}: never awaited`,
      back: 'never executed',
      records: ['abandoned'],
      async run(bench) {
        const before = await orm().inserted()
        const drop = () => void bench.wrap(() => orm().insert())()
        drop()
        await bench.collected()
        bench.same('executions', (await orm().inserted()) - before, 0)
      },
    },
    {
      what: `${name}: refused by Postgres`,
      back: 'its own error',
      records: [`failure ${error}`],
      async run(bench) {
        try {
          await bench.wrap(() => orm().wrong())()
          bench.is('it was refused', false)
        } catch (error) {
          bench.is('the error of its driver', error instanceof Error)
        }
      },
    },
  ]
  if (clones) {
    cases.splice(3, 0, {
      what: `${name}: cloned, both awaited`,
      back: 'the clone is the caller’s own; the original is an operation',
      records: ['success'],
      async run(bench) {
        const query = slow(bench)
        const clone = orm().clone!(query)
        bench.same('the clone', orm().read(await clone), 7)
        bench.same('the value', orm().read(await bench.took(MS, query)), 7)
      },
    })
  }
  return { title: `Query builders for real: ${name}`, cases }
}

export function ormGroups(orm: (name: string) => Orm): Group[] {
  return [
    ormGroup('knex', () => orm('knex'), true, true, 'error'),
    ormGroup('drizzle-orm', () => orm('drizzle-orm'), true, false, 'Error'),
    ormGroup('postgres', () => orm('postgres'), false, false, 'PostgresError'),
  ]
}
