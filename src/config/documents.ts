import { resolve } from 'node:path'
import type { RouteSpec } from '../run/agent.ts'
import { toRoutes } from './openapi/derive.ts'
import { readOpenApi } from './openapi/document.ts'
import { OpenApiError } from './openapi/error.ts'
import { mergeRoutes } from './openapi/merge.ts'
import type { ConnectorConfig, ParsedConfig } from './schema.ts'
import { showPath } from './show-path.ts'

/** Longest JSON of a connector's routes, characters: every activity of a run carries them, and histories are finite. */
const ROUTES_LIMIT = 256 * 1024

/** Connectors with the routes of the documents that they name; `problems` are one line each. */
export function readConnectors(
  parsed: ParsedConfig['connectors'],
  folder: string,
): { read: Record<string, ConnectorConfig>; problems: string[] } {
  const problems: string[] = []
  const read: Record<string, ConnectorConfig> = {}
  for (const [name, { openapi, routes, ...rest }] of Object.entries(parsed)) {
    if (openapi === undefined) {
      read[name] = { ...rest, routes: mergeRoutes([], routes) }
      continue
    }
    const at = showPath(['connectors', name, 'openapi'])
    try {
      const hosts = [rest.url, rest.upstream].flatMap((each) => (typeof each === 'string' ? [new URL(each).host] : []))
      const derived = toRoutes(readOpenApi(resolve(folder, openapi)), hosts)
      const merged = mergeRoutes(derived.routes, routes)
      const problem = tooMany(merged)
      if (problem !== null) problems.push(`${at}: ${problem}`)
      read[name] = { ...rest, routes: merged, openapi: { digest: derived.digest } }
    } catch (error) {
      if (!(error instanceof OpenApiError)) throw error
      problems.push(`${at}: ${error.message.replaceAll('\n', '\n  ')}`)
    }
  }
  return { read, problems }
}

function tooMany(routes: readonly RouteSpec[]): string | null {
  const size = JSON.stringify(routes).length
  if (size <= ROUTES_LIMIT) return null
  return `its ${routes.length} routes take ${size} characters, and a run can carry ${ROUTES_LIMIT}; keep the paths that the agents need in a copy`
}
