const express = require('express')
const http = require('node:http')

import('./serve.mjs').then(async ({ serve }) => {
  const { correlation, track } = await import(process.env.CORE)
  serve(express, http, correlation, track)
})
