import { business, currentOperation, pick, track } from '@throughline/core'
import type { Pool, PoolClient } from 'pg'
import type { CatalogueClient, Vehicle } from './catalogue-client.js'
import { NoDynoAvailable } from './errors.js'

const sites = ['dearborn', 'cologne'] as const
const allocated = business.counter('vehicle.allocated', { unit: '{vehicle}', labels: { site: sites } })
const value = business.money('allocation.value', { currency: 'USD', labels: { site: sites } })

export interface Order {
  vehicleId: number
  /** First day, ISO 8601. */
  from: string
  days: number
  userId: string
}

export interface Allocation {
  allocation: { id: string; dyno: string; value: string }
  backupUsed: boolean
}

interface Dyno {
  id: number
  name: string
  is_backup: boolean
  value: string
}

export class AllocationService {
  readonly #pool: Pool
  readonly #catalogue: CatalogueClient

  constructor(pool: Pool, catalogue: CatalogueClient) {
    this.#pool = pool
    this.#catalogue = catalogue
  }

  /** Books a dyno that can take the vehicle and is free on all days; a backup dyno when every other one is taken. */
  @track({
    user: (call) => call.args[0].userId,
    metadata: pick('backupUsed', 'allocation.id', 'allocation.dyno'),
  })
  async autoAllocate(order: Order): Promise<Allocation> {
    const vehicle = await this.#catalogue.find(order.vehicleId)
    const client = await this.#pool.connect()
    try {
      await client.query('BEGIN')
      const allocation = await this.#book(client, vehicle, order)
      await client.query('COMMIT')
      allocated.add(1, { site: vehicle.site })
      value.add(allocation.allocation.value, { site: vehicle.site })
      return allocation
    } catch (error) {
      await client.query('ROLLBACK')
      throw error
    } finally {
      client.release()
    }
  }

  async #book(client: PoolClient, vehicle: Vehicle, order: Order): Promise<Allocation> {
    const compatible = await findCompatible(client, vehicle, order)
    const free = await findFree(client, compatible, order)
    currentOperation()?.set({ compatible: compatible.length, conflicts: compatible.length - free.length })
    const dyno = free[0]
    if (dyno === undefined) throw new NoDynoAvailable(vehicle.site, compatible.length)
    const { rows } = await client.query<{ id: string }>(
      `INSERT INTO dyno.allocations (dyno_id, vehicle_id, during, backup_used)
       VALUES ($1, $2, daterange($3::date, $3::date + $4::int), $5) RETURNING id`,
      [dyno.id, vehicle.id, order.from, order.days, dyno.is_backup],
    )
    return { allocation: { id: rows[0]!.id, dyno: dyno.name, value: dyno.value }, backupUsed: dyno.is_backup }
  }
}

/** Locks the dynos that could take the vehicle, in one order for all callers, so that two bookings never see the same free day. */
async function findCompatible(client: PoolClient, vehicle: Vehicle, order: Order): Promise<Dyno[]> {
  const { rows } = await client.query<Dyno>(
    `SELECT id, name, is_backup, (daily_rate * $4::int)::text AS value FROM dyno.dynos
     WHERE site = $1 AND max_weight_kg >= $2 AND (awd OR NOT $3) ORDER BY is_backup, id FOR UPDATE`,
    [vehicle.site, vehicle.weightKg, vehicle.drive === 'awd', order.days],
  )
  return rows
}

async function findFree(client: PoolClient, dynos: Dyno[], order: Order): Promise<Dyno[]> {
  const { rows } = await client.query<{ dyno_id: number }>(
    `SELECT DISTINCT dyno_id FROM dyno.allocations
     WHERE dyno_id = ANY ($1) AND during && daterange($2::date, $2::date + $3::int)`,
    [dynos.map((dyno) => dyno.id), order.from, order.days],
  )
  const taken = new Set(rows.map((row) => row.dyno_id))
  return dynos.filter((dyno) => !taken.has(dyno.id))
}
