import { Controller, Get, Param, UseInterceptors } from '@nestjs/common'
import { track } from '@throughline/core'
import { ByType, Named } from './parts'

/** Tracked as a whole: its methods are wrapped when the decorators of Nest have run. */
@track
@Controller('stock')
@UseInterceptors(Named)
export class StockController {
  @track.skip
  @Get('health')
  health() {
    return { healthy: true }
  }

  @Get(':id')
  one(@Param('id', ByType) id: number) {
    return { id }
  }
}
