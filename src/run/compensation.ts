import type { ConnectorSnapshot, Method, RouteSpec } from './agent.ts'
import { changedPaths } from './diff.ts'
import type { Compensation, EffectRequest, Reading } from './effect.ts'
import { fromPath, getField, isJsonObject, tryParseJson } from './json.ts'
import type { Json } from './json.ts'
import { matchRoute } from './routes.ts'
import type { Stored } from './stored.ts'

/**
 * How an effect will be undone, chosen before it is sent from what is declared and what was read; never from the method
 * alone (guessing by method was right in a third of the cases tried, and falsely claimed success in more).
 */
export function chooseCompensation(args: {
  connector: ConnectorSnapshot
  /** The declared route that matched, or null. */
  route: RouteSpec | null
  request: EffectRequest
  before: Reading | null
}): Compensation {
  const { connector, route, request, before } = args
  const name = request.route ?? `${request.method} ${request.target}`
  if (route?.irreversible) return none(`${name} is declared irreversible`)
  if (route?.undo) return { kind: 'inverse', method: route.undo.method, template: route.undo.template }
  if (request.method !== 'PUT' && request.method !== 'PATCH' && request.method !== 'DELETE') {
    return none(`${name} declares no undo, and a ${request.method} says nothing about how to take it back`)
  }
  const { resource } = request
  if (resource === null || before === null) return none(`what ${name} changes can not be read beforehand`)
  const declares = (method: Method) => matchRoute(connector, method, resource) !== null

  switch (before.state) {
    case 'unreadable':
      return none(`${resource} could not be read beforehand: ${before.reason}`)
    case 'absent':
      return declares('DELETE') || request.method === 'DELETE'
        ? { kind: 'restore', method: 'DELETE' }
        : none(`${resource} did not exist, and no DELETE is declared that could remove it again`)
    case 'present':
      if (request.method !== 'DELETE' && declares('PATCH') && isPatchable(request, before.body)) {
        return { kind: 'restore', method: 'PATCH' }
      }
      if (declares('PUT')) return { kind: 'restore', method: 'PUT' }
      return none(
        request.method === 'DELETE'
          ? `${resource} would be gone, and no PUT is declared that could create it again`
          : `no route is declared that could write ${resource} back as it was`,
      )
  }
}

const none = (reason: string): Compensation => ({ kind: 'none', reason })

/** True where undoing is expected to be exact, so that an effect nobody announced may be performed and flagged. */
export function isExact(compensation: Compensation): boolean {
  return compensation.kind === 'restore' || compensation.kind === 'discard'
}

/** A PATCH can write back fields of a JSON object. JSON Patch (RFC 6902) is another language, which is not written here. */
function isPatchable(request: EffectRequest, before: Stored): boolean {
  const type = request.headers['content-type'] ?? request.body?.type ?? ''
  if (request.method === 'PATCH' && /json-patch/i.test(type)) return false
  return mayBeJsonObject(before) && (request.body === null || mayBeJsonObject(request.body))
}

/** By its text where that is at hand, else by its media type: undo looks at the bytes again. */
function mayBeJsonObject(body: Stored): boolean {
  if (body.text !== undefined) return isJsonObject(tryParseJson(body.text))
  return /json/i.test(body.type ?? '')
}

export interface ChangedFields {
  /** What the request asked for: an undo puts these back and looks at them for drift. */
  readonly requested: string[]
  /** What changed along with it: managed by the service, neither drift nor written back. */
  readonly managed: string[]
}

/**
 * The fields an effect changed, as dotted paths; arrays count as wholes. A field belongs to the request when the request
 * holds its top-level field, or was a PUT that left it out. Where the request is not a JSON object, all of them do.
 */
export function changedFields(args: {
  method: Method
  before: Json | undefined
  after: Json | undefined
  body: Json | undefined
  volatile: readonly string[]
}): ChangedFields {
  const { method, before, after, body, volatile } = args
  const requested: string[] = []
  const managed: string[] = []
  for (const path of changedPaths(before, after, volatile)) {
    const [top] = fromPath(path)
    const asked =
      !isJsonObject(body) ||
      top === undefined ||
      Object.hasOwn(body, top) ||
      (method === 'PUT' && getField(after, path) === undefined)
    if (asked) requested.push(path)
    else managed.push(path)
  }
  return { requested, managed }
}
