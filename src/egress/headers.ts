import { randomUUID } from 'node:crypto'
import type { RouteSpec } from '../run/agent.ts'

/** Which headers cross the gateway. Everything else is left out: a request is rebuilt, never relayed. */

/**
 * From code to service: representation and preconditions. Not `authorization` and `cookie` (credentials are put in by
 * egress), `user-agent` (differs by client, means nothing to a route), `range`, `expect`, method overrides, hop-by-hop.
 */
const REQUEST_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'accept-language',
  'content-type',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
])

/** From service to code: not what belongs to the connection, would set state in a client, or speaks for the gateway. */
const DROPPED_FROM_ANSWERS: ReadonlySet<string> = new Set([
  'alt-svc',
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'set-cookie',
  'set-cookie2',
  'strict-transport-security',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-recourse',
])

type RawHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** Values longer than this are left out of a journaled answer, and headers beyond this many. */
const VALUE_LIMIT = 1024
const COUNT_LIMIT = 40

export function toRequestHeaders(headers: RawHeaders): Record<string, string> {
  return Object.fromEntries(
    flatten(headers).filter(([name, value]) => REQUEST_HEADERS.has(name) && !/[^\t\x20-\x7e]/.test(value)),
  )
}

export function toAnswerHeaders(headers: RawHeaders): Record<string, string> {
  const listed = new Set(
    (String(headers['connection'] ?? '')
      .toLowerCase()
      .match(/[^\s,]+/g) ?? []) as string[],
  )
  return Object.fromEntries(
    flatten(headers)
      .filter(([name]) => !DROPPED_FROM_ANSWERS.has(name) && !listed.has(name))
      // Some services put Latin-1 into a header; Node would refuse to write it.
      .filter(([, value]) => value.length <= VALUE_LIMIT && !/[^\t\x20-\x7e]/.test(value))
      .slice(0, COUNT_LIMIT),
  )
}

/**
 * The key under which a service performs a request once, where the route takes one. A new one for each request: a
 * service remembers keys, and would answer another request's answer.
 */
export function toKeyHeader(route: RouteSpec | null, key: string = randomUUID()): Record<string, string> {
  return route?.idempotency === undefined ? {} : { [route.idempotency]: key }
}

function flatten(headers: RawHeaders): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]): [string, string][] => {
    if (value === undefined) return []
    return [[name.toLowerCase(), typeof value === 'string' ? value : value.join(', ')]]
  })
}
