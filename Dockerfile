# The worker of Recourse: every role, the commands and the examples. See docker-compose.yml for how the roles are run apart.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN node scripts/build.mjs && npm prune --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
ENV NODE_ENV=production RECOURSE_HOME=/var/lib/recourse
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY --from=build /build/prompts ./prompts
COPY --from=build /build/examples ./examples
COPY --from=build /build/tools ./tools
RUN mkdir /var/lib/recourse \
 && chown node:node /var/lib/recourse \
 && ln -s /app/dist/cli/main.js /usr/local/bin/recourse
USER node
ENTRYPOINT ["node", "/app/dist/cli/main.js"]
CMD ["--help"]
