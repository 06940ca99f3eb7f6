import { CatalogueUnavailable, UnknownVehicle } from './errors.js'

export interface Vehicle {
  id: number
  model: string
  weightKg: number
  drive: '2wd' | 'awd'
  site: 'dearborn' | 'cologne'
}

export interface CatalogueClient {
  /** @throws UnknownVehicle, CatalogueUnavailable */
  find(id: number): Promise<Vehicle>
}

/** The correlation ID and the trace travel in the headers of `fetch` by themselves: the SDK instruments it. */
export function catalogueAt(url: string): CatalogueClient {
  return {
    async find(id) {
      const response = await fetch(`${url}/vehicles/${id}`, { signal: AbortSignal.timeout(5_000) })
      if (response.status === 404) throw new UnknownVehicle(id)
      if (!response.ok) throw new CatalogueUnavailable(`the catalogue answered ${response.status}`)
      return (await response.json()) as Vehicle
    },
  }
}
