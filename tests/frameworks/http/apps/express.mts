import { correlation } from '@throughline/core'
import express from 'express'
import { place } from './orders.mts'

const app = express()
app.use(correlation.middleware())
app.use(express.json())

app.post('/orders/:id', async (request, response) => {
  response.status(201).json(await place(request.params.id, request.body))
})
app.listen(Number(process.env.PORT), '127.0.0.1')
