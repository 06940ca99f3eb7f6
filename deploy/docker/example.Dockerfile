# The services of both examples; docker-compose.yml says which: docker build -f deploy/docker/example.Dockerfile -t throughline/example:0.1.0 .
FROM node:24.21.0-slim AS build
WORKDIR /src
COPY . .
RUN npm ci --no-audit --no-fund && node scripts/build.mjs && node deploy/docker/assemble.mjs example /out

FROM node:24.21.0-slim
COPY --from=build /out/app /app
# Reads NAME from the file that NAME_FILE names, before anything else is loaded.
ENV NODE_ENV=production NODE_OPTIONS=--require=/app/secret-files.cjs
WORKDIR /app
USER 10001:10001
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "/app/healthy.mjs", "http://127.0.0.1:3000/healthz"]
CMD ["node", "--import", "@throughline/sdk/register", "node_modules/@throughline/example-dyno-allocation/dist/allocation.js"]
