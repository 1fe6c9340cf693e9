import type { ConnectorSnapshot, Method, RouteSpec } from './agent.ts'
import { getField, isJsonObject } from './json.ts'
import type { Json } from './json.ts'
import { isLosslessNumber } from 'lossless-json'

/**
 * Which declared route a request is, and what a template names. Matching works on canonical targets only: matching what
 * a client wrote is bypassed by `%2e%2e`, `\`, `//host`, `;a=1` and `%72`.
 */

export type CanonicalTarget =
  /** `target` is path and query as they are matched, journaled and sent. `query` is without `?`, or null. */
  | { readonly ok: true; readonly path: string; readonly query: string | null; readonly target: string }
  | { readonly ok: false; readonly reason: string }

/** Longest target, characters. */
const TARGET_LIMIT = 8192

const UNRESERVED = /[A-Za-z0-9._~-]/

/** Parses a request target once. What could be read in two ways is refused, not repaired; only escapes get upper case. */
export function canonicalTarget(raw: string): CanonicalTarget {
  if (raw.length > TARGET_LIMIT) return refuse(`the target is longer than ${TARGET_LIMIT} characters`)
  if (!raw.startsWith('/')) return refuse('the target must be a path that starts with /')
  if (/[^\x21-\x7e]/.test(raw)) return refuse('the target holds a control character, a space or non-ASCII')
  if (raw.includes('\\')) return refuse('the target holds a backslash')
  if (raw.includes('#')) return refuse('the target holds a fragment')
  if (/["<>]/.test(raw)) return refuse('the target holds a quote or an angle bracket that is not percent-encoded')

  const mark = raw.indexOf('?')
  const path = toCanonicalEscapes(mark < 0 ? raw : raw.slice(0, mark))
  if (!path.ok) return path
  const query = mark < 0 ? null : toCanonicalEscapes(raw.slice(mark + 1))
  if (query && !query.ok) return query

  const reason = oddPath(path.text)
  if (reason) return refuse(reason)
  const target = query ? `${path.text}?${query.text}` : path.text
  return { ok: true, path: path.text, query: query?.text ?? null, target }
}

const refuse = (reason: string): { ok: false; reason: string } => ({ ok: false, reason })

function toCanonicalEscapes(text: string): { ok: true; text: string } | { ok: false; reason: string } {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return refuse('the target holds a bad percent escape')
  let decoded: string
  try {
    decoded = decodeURIComponent(text)
  } catch {
    return refuse('the target holds percent escapes that are not UTF-8')
  }
  if (/[\x00-\x1f\x7f]/.test(decoded)) return refuse('the target holds an encoded control character')
  for (const [escape] of text.matchAll(/%[0-9A-Fa-f]{2}/g)) {
    const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
    if (UNRESERVED.test(char)) return refuse(`the target encodes ${char} as ${escape}`)
  }
  return { ok: true, text: text.replaceAll(/%[0-9A-Fa-f]{2}/g, (escape) => escape.toUpperCase()) }
}

/** Why a path is refused. Dots that are encoded were refused before, as encoded unreserved characters. */
function oddPath(path: string): string | null {
  if (path.includes('//')) return 'the path holds an empty segment'
  if (path.includes(';')) return 'the path holds a parameter (;)'
  if (/%(2F|5C)/.test(path)) return 'the path holds an encoded slash or backslash'
  // A service that decodes twice would see what is behind the second escape.
  if (/%25[0-9A-Fa-f]{2}/.test(path)) return 'the path is percent-encoded twice'
  if (path.split('/').some((segment) => segment === '.' || segment === '..')) return 'the path holds a dot segment'
  if (/[[\]^`{|}]/.test(path)) return 'the path holds a character that must be percent-encoded'
  return null
}

/** By name: the segment as it is in the canonical path, still percent-encoded. */
export type RouteParams = Readonly<Record<string, string>>

/**
 * The declared route of a request, the most specific one first: from the left, a literal segment beats one with a
 * `{name}` in it. HEAD is answered by a declared GET. null: not declared.
 */
export function matchRoute(
  connector: ConnectorSnapshot,
  method: Method,
  pathname: string,
): { route: RouteSpec; params: RouteParams } | null {
  const segments = pathname.split('/')
  let best: { route: RouteSpec; params: RouteParams; rank: string } | null = null
  for (const route of connector.routes) {
    if (route.method !== method) continue
    const params = matchTemplate(route.template, segments)
    if (!params) continue
    const rank = toRank(route.template)
    if (!best || rank < best.rank) best = { route, params, rank }
  }
  if (best) return { route: best.route, params: best.params }
  return method === 'HEAD' ? matchRoute(connector, 'GET', pathname) : null
}

/** The declared read route that shows the resource at a path, if there is one: what before-images are read by. */
export function readRouteOf(connector: ConnectorSnapshot, path: string): RouteSpec | null {
  const route = matchRoute(connector, 'GET', path)?.route
  return route?.read ? route : null
}

/** One character a segment, so that comparing two ranks compares segments from the left; lower is more specific. */
function toRank(template: string): string {
  return template
    .split('/')
    .map((segment) => (!segment.includes('{') ? '0' : /^\{[^{}]+\}$/.test(segment) ? '2' : '1'))
    .join('')
}

function matchTemplate(template: string, segments: readonly string[]): RouteParams | null {
  const wanted = template.split('/')
  if (wanted.length !== segments.length) return null
  const params: [string, string][] = []
  for (const [index, pattern] of wanted.entries()) {
    const segment = segments[index] ?? ''
    const match = /^([^{}]*)\{([^{}]+)\}([^{}]*)$/.exec(pattern)
    if (!match) {
      if (pattern !== segment) return null
      continue
    }
    const [, prefix = '', name = '', suffix = ''] = match
    const value = segment.slice(prefix.length, segment.length - suffix.length)
    if (!segment.startsWith(prefix) || !segment.endsWith(suffix) || value === '') return null
    if (segment.length <= prefix.length + suffix.length) return null
    params.push([name, value])
  }
  return Object.fromEntries(params)
}

/**
 * Fills `{name}` from the request's path and `{response.field}` (dots descend) from its answer. A value is always one
 * segment: an answer can never lead an undo to another resource than the template names.
 */
export function fillTemplate(
  template: string,
  values: { params: RouteParams; response: Json | undefined },
): { ok: true; path: string } | { ok: false; reason: string } {
  let reason: string | null = null
  const path = template.replaceAll(/\{([^{}]+)\}/g, (_, name: string) => {
    const segment = name.startsWith('response.')
      ? toSegment(getField(values.response, name.slice('response.'.length)))
      : Object.hasOwn(values.params, name)
        ? values.params[name]
        : undefined
    if (segment === undefined) reason ??= `${template}: there is no usable value for {${name}}`
    return segment ?? ''
  })
  if (reason) return { ok: false, reason }
  const canonical = canonicalTarget(path)
  if (!canonical.ok) return { ok: false, reason: `${template}: ${canonical.reason}` }
  return { ok: true, path: canonical.target }
}

/** One path segment for a value of an answer; undefined for what can not be one. */
function toSegment(value: Json | undefined): string | undefined {
  if (value === undefined || value === null || typeof value === 'boolean' || Array.isArray(value)) return undefined
  if (isJsonObject(value)) return undefined
  const text = isLosslessNumber(value) ? value.toString() : String(value)
  if (text === '' || text === '.' || text === '..' || /[/\\\x00-\x1f\x7f]/.test(text) || !text.isWellFormed()) {
    return undefined
  }
  // What RFC 3986 allows in a segment stays as clients write it; the others mean something in a parameter or a query.
  return encodeURIComponent(text).replaceAll(/%(?:3A|40|24|2C)/g, decodeURIComponent)
}

/**
 * Path of the resource a request changes, from what its route declares: known before sending, or (with `response`) only
 * after. Without a declaration: the path itself for PUT, PATCH and DELETE. null: not known.
 */
export function resourceOf(args: {
  method: Method
  path: string
  match: { route: RouteSpec; params: RouteParams } | null
  response?: Json | undefined
}): string | null {
  const template = args.match?.route.resource
  if (template === null) return null
  if (template === undefined) {
    return args.method === 'PUT' || args.method === 'PATCH' || args.method === 'DELETE' ? args.path : null
  }
  const filled = fillTemplate(template, { params: args.match?.params ?? {}, response: args.response })
  return filled.ok ? filled.path : null
}

/** Volatile fields of a resource: what its read route and the route that changes it declare. */
export function volatileOf(connector: ConnectorSnapshot, route: RouteSpec | null, resource: string | null): string[] {
  const read = resource === null ? null : readRouteOf(connector, resource)
  return [...new Set([...(read?.volatile ?? []), ...(route?.volatile ?? [])])]
}

/** Fields of a resource that only its service sets: what the same two routes declare. */
export function readOnlyOf(connector: ConnectorSnapshot, route: RouteSpec | null, resource: string | null): string[] {
  const read = resource === null ? null : readRouteOf(connector, resource)
  return [...new Set([...(read?.readOnly ?? []), ...(route?.readOnly ?? [])])]
}
