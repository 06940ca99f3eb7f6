import { Injectable } from '@nestjs/common'

@Injectable()
export class Prices {
  of(id: number): string | undefined {
    return id < 100 ? `${id}.00` : undefined
  }
}
