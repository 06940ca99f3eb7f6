# The recorder, and the command line beside it: docker build -f deploy/docker/recorder.Dockerfile -t throughline/recorder:0.1.0 .
FROM node:24.21.0-slim AS build
WORKDIR /src
COPY . .
RUN npm ci --no-audit --no-fund && node scripts/build.mjs && node deploy/docker/assemble.mjs recorder /out

FROM node:24.21.0-slim
COPY --from=build /out/app /app
# Folders to be mounted over: a new volume takes its owner from the folder that is there.
COPY --from=build --chown=10001:10001 /out/volumes /volumes
# Reads NAME from the file that NAME_FILE names.
ENV NODE_ENV=production NODE_OPTIONS=--require=/app/secret-files.cjs
WORKDIR /app
USER 10001:10001
EXPOSE 4400
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "/app/healthy.mjs", "http://127.0.0.1:4400/healthz"]
CMD ["node", "--enable-source-maps", "--max-semi-space-size=8", "node_modules/@throughline/recorder/dist/main.js"]
