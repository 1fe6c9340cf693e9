import type { ConnectorSnapshot, Method, RouteSpec } from './agent.ts'
import { changedPaths, holdsField, isWithin } from './diff.ts'
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
  if (route?.undo) {
    const { method, template, created } = route.undo
    return { kind: 'inverse', method, template, ...(created && { created }) }
  }
  if (request.method !== 'PUT' && request.method !== 'PATCH' && request.method !== 'DELETE') {
    const reason = `${name} declares no undo, and a ${request.method} says nothing about how to take it back`
    return none(route?.noUndo ?? reason)
  }
  const { resource } = request
  if (resource === null || before === null) {
    return none(route?.noUndo ?? `what ${name} changes can not be read beforehand`)
  }
  const declared = (method: Method) => matchRoute(connector, method, resource)?.route ?? null
  const fit = (method: Method) => {
    const found = declared(method)
    return found?.unfit === undefined ? found : null
  }

  switch (before.state) {
    case 'unreadable':
      return none(`${resource} could not be read beforehand: ${before.reason}`)
    case 'absent':
      return fit('DELETE') || request.method === 'DELETE'
        ? { kind: 'restore', method: 'DELETE' }
        : none(
            `${resource} did not exist, and no DELETE is declared that could remove it again${whyUnfit(declared('DELETE'))}`,
          )
    case 'present': {
      const put = fit('PUT')
      if (request.method === 'DELETE') {
        if (put && put.creates !== false) return { kind: 'restore', method: 'PUT' }
        return none(route?.noUndo ?? `${resource} would be gone, and no PUT is declared that could create it again`)
      }
      const hidden = setsUnreadable(route, request)
      if (hidden !== null) return none(`${name} ${hidden}`)
      const patch = fit('PATCH')
      if (patch && isPatchable(request, before.body) && coversFields(patch, route)) {
        return { kind: 'restore', method: 'PATCH' }
      }
      if (put && coversFields(put, route)) return { kind: 'restore', method: 'PUT' }
      const why = whyUnfit(declared('PATCH'), declared('PUT'))
      return none(`no route is declared that could write ${resource} back as it was${why}`)
    }
  }
}

/** Why declared routes do not serve, after a colon; nothing where none says. */
function whyUnfit(...routes: readonly (RouteSpec | null)[]): string {
  const reasons = routes.flatMap((each) => (each?.unfit === undefined ? [] : [`${each.method}: ${each.unfit}`]))
  return reasons.length === 0 ? '' : `: ${reasons.join('; ')}`
}

/** What a request sets that could not be read beforehand, as the end of a sentence; null: nothing. */
function setsUnreadable(route: RouteSpec | null, request: EffectRequest): string | null {
  const unreadable = route?.unreadable ?? []
  if (unreadable.length === 0) return null
  const can = `${unreadable.join(', ')}, which reading does not show in that form`
  // What a PUT leaves out it may clear.
  if (request.method === 'PUT') return `replaces ${can}`
  if (request.body === null) return null
  if (request.body.text === undefined) return `has a long body, which may set ${can}`
  const body = tryParseJson(request.body.text)
  const sets = isJsonObject(body) ? unreadable.filter((path) => holdsField(body, path)) : unreadable
  return sets.length === 0 ? null : `sets ${sets.join(', ')}, which reading does not show in that form`
}

/** True where what one route may change another can write, as far as both say. */
function coversFields(writer: RouteSpec, route: RouteSpec | null): boolean {
  const { writable } = writer
  if (writer === route || writable === undefined || route?.writable === undefined) return true
  return route.writable.every((path) => isWithin(path, writable))
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
  /** What changed along with it, or only the service sets: neither drift nor written back. */
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
  /** Fields that only the service sets. */
  readOnly?: readonly string[]
}): ChangedFields {
  const { method, before, after, body, volatile, readOnly = [] } = args
  const requested: string[] = []
  const managed: string[] = []
  for (const path of changedPaths(before, after, volatile)) {
    const [top] = fromPath(path)
    const asked =
      !isJsonObject(body) ||
      top === undefined ||
      Object.hasOwn(body, top) ||
      (method === 'PUT' && getField(after, path) === undefined)
    if (asked && !isWithin(path, readOnly)) requested.push(path)
    else managed.push(path)
  }
  return { requested, managed }
}
