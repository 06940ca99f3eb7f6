import { track } from '@throughline/core'
import type { Pool } from 'pg'
import type { Vehicle } from './catalogue-client.js'
import { UnknownVehicle } from './errors.js'

export class VehicleCatalogue {
  readonly #pool: Pool

  constructor(pool: Pool) {
    this.#pool = pool
  }

  @track({ metadata: (call) => ({ vehicle: call.args[0] }) })
  async find(id: number): Promise<Vehicle> {
    const { rows } = await this.#pool.query<Vehicle>(
      'SELECT id, model, weight_kg AS "weightKg", drive, site FROM dyno.vehicles WHERE id = $1',
      [id],
    )
    if (rows[0] === undefined) throw new UnknownVehicle(id)
    return rows[0]
  }
}
