/** Every dyno that could take the vehicle is taken on one of the days. */
export class NoDynoAvailable extends Error {
  override readonly name = 'NoDynoAvailable'
  readonly statusCode = 409

  constructor(site: string, compatible: number) {
    super(`none of the ${compatible} dynos in ${site} that could take the vehicle is free on all days`)
  }
}

/** The catalogue does not know the vehicle. */
export class UnknownVehicle extends Error {
  override readonly name = 'UnknownVehicle'
  readonly statusCode = 404

  constructor(id: number) {
    super(`there is no vehicle ${id}`)
  }
}

/** The catalogue did not answer as it should. */
export class CatalogueUnavailable extends Error {
  override readonly name = 'CatalogueUnavailable'
  readonly statusCode = 502
}
