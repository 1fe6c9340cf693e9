import type { Blobs } from '../blobs/blobs.ts'
import type { ConnectorSnapshot, Method } from '../run/agent.ts'
import type { EffectRequest } from '../run/effect.ts'
import { canonicalTarget, matchRoute, resourceOf } from '../run/routes.ts'
import type { CanonicalTarget, RouteParams } from '../run/routes.ts'
import type { RouteSpec } from '../run/agent.ts'

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** False for TRACE, CONNECT and inventions. */
export function isMethod(method: string): method is Method {
  return METHODS.has(method)
}

/** A request that was parsed once: from here on nobody looks at what the client wrote. */
export interface CanonicalRequest {
  readonly connector: ConnectorSnapshot
  readonly method: Method
  readonly path: string
  readonly target: string
  readonly match: { readonly route: RouteSpec; readonly params: RouteParams } | null
}

export function toCanonicalRequest(
  connector: ConnectorSnapshot,
  method: Method,
  rawTarget: string,
): { ok: true; request: CanonicalRequest } | Extract<CanonicalTarget, { ok: false }> {
  const target = canonicalTarget(rawTarget)
  if (!target.ok) return target
  const match = matchRoute(connector, method, target.path)
  return { ok: true, request: { connector, method, path: target.path, target: target.target, match } }
}

/** True for declared routes that change nothing. A GET that is not declared may do anything. */
export function isRead(request: CanonicalRequest): boolean {
  return request.match?.route.read === true
}

/** What is journaled of a request, its body put into the blob store. */
export async function toEffectRequest(
  request: CanonicalRequest,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  blobs: Blobs,
): Promise<EffectRequest> {
  const { connector, method, path, target, match } = request
  return {
    connector: connector.name,
    method,
    target,
    route: match?.route.route ?? null,
    headers,
    body: body.length === 0 ? null : await blobs.put(body, headers['content-type'] ?? null),
    resource: resourceOf({ method, path, match }),
  }
}
