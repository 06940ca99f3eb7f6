import { correlation } from '@throughline/core'
// @ts-expect-error the types of two versions of Express do not live in one project
import express from 'express4'
import { place } from './orders.mts'

const app: import('express').Express = express()
app.use(correlation.middleware())
app.use(express.json())

app.post('/orders/:id', (request, response, next) => {
  place(request.params.id, request.body).then((placed) => response.status(201).json(placed), next)
})
app.listen(Number(process.env.PORT), '127.0.0.1')
