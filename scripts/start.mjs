// npm start [-- jobs] [-- --once …]: the demonstration of the HTTP services or, named first, another one with the rest of the arguments.
const demos = { jobs: '../examples/container-jobs/dist/demo/main.js' }
const named = Object.hasOwn(demos, process.argv[2] ?? '') ? demos[process.argv[2]] : undefined
if (named !== undefined) process.argv.splice(2, 1)
await import(named ?? '../examples/dyno-allocation/dist/demo/main.js')
