// A page of one service looked through the sums of all services of each five minutes of its window, and of each minute that may hold one of
// its slowest.
export const services = `
CREATE INDEX rollup_operations_service ON throughline.rollup_operations (service, level, start) WHERE grain = 's';
`
