import { Injectable, NotFoundException } from '@nestjs/common'
import { correlation, pick, track } from '@throughline/core'
import { Prices } from './prices'

@Injectable()
export class OrdersService {
  constructor(private readonly prices: Prices) {}

  @track({ metadata: pick('id', 'amount') })
  async find(id: number) {
    const amount = this.prices.of(id)
    if (amount === undefined) throw new NotFoundException(`no order ${id}`)
    return { id, amount, correlation: correlation.id() }
  }
}
