import http from 'node:http'
import express from 'express'
import { serve } from './serve.mjs'

const { correlation, track } = await import(process.env.CORE)
serve(express, http, correlation, track)
