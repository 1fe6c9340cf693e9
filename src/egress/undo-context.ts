import type { ConnectorSnapshot } from '../run/agent.ts'
import { changedFields } from '../run/compensation.ts'
import type { ChangedFields } from '../run/compensation.ts'
import { diffJson, isOverlap, withoutVolatile } from '../run/diff.ts'
import type { FieldChange } from '../run/diff.ts'
import type { Effect, Guard, Reading, UndoOutcome } from '../run/effect.ts'
import { equalJson, getField, isJsonObject } from '../run/json.ts'
import { matchRoute, readOnlyOf, volatileOf } from '../run/routes.ts'
import type { RouteParams } from '../run/routes.ts'
import { diffImages, equalImages, jsonOf, loadBody, loadImage } from './images.ts'
import type { Image } from './images.ts'
import { showsIntended } from './intended.ts'
import type { PerformPorts } from './perform.ts'
import { tryRead } from './read.ts'

export interface UndoArgs {
  readonly run: string
  readonly effect: Effect
  readonly connector: ConnectorSnapshot
  /** True: a person wants it undone although somebody changed the resource since. */
  readonly force: boolean
}

/** The service could not be asked or did not answer: asking again later may help. */
export class ServiceUnavailable extends Error {
  override readonly name = 'ServiceUnavailable'
}

/** Everything about an effect that undoing it looks at, loaded before the resource is read, so that reading is recent. */
export interface UndoContext extends UndoArgs {
  readonly ports: PerformPorts
  /** Path and query of what it changed; null: not known. */
  readonly resource: string | null
  readonly params: RouteParams
  readonly volatile: readonly string[]
  /** Fields that only the service sets: compared, never written. */
  readonly readOnly: readonly string[]
  /** What the resource has to read as again. null: not known. */
  readonly target: Image | null
  /** What the effect left behind, read or (where it was not read) as its request intended. null: not known. */
  readonly left: Image | null
  /** What it changed; empty where one of the two images is missing. */
  readonly fields: ChangedFields
}

export async function loadContext(ports: PerformPorts, args: UndoArgs, target: Image | null): Promise<UndoContext> {
  const { effect, connector } = args
  const { request } = effect
  const path = request.target.split('?', 1)[0] ?? request.target
  const match = matchRoute(connector, request.method, path)
  const resource = effect.resource ?? request.resource
  const volatile = volatileOf(connector, match?.route ?? null, resource)
  const readOnly = readOnlyOf(connector, match?.route ?? null, resource)
  const [after, body] = await Promise.all([
    loadImage(effect.after, ports.blobs),
    request.body ? loadBody(request.body, ports.blobs) : null,
  ])
  const left = leftBehind(effect, target, after, body, volatile)
  // A POST that names fields of its own says nothing about which fields of the resource it meant.
  const speaks = resource === path && (request.method === 'PUT' || request.method === 'PATCH')
  const fields =
    target && left && target.kind !== 'bytes' && left.kind !== 'bytes'
      ? changedFields({
          method: request.method,
          before: jsonOf(target),
          after: jsonOf(left),
          body: speaks || target.kind === 'absent' ? jsonOf(body) : undefined,
          volatile,
          readOnly,
        })
      : { requested: [], managed: [] }
  return { ...args, ports, resource, params: match?.params ?? {}, volatile, readOnly, target, left, fields }
}

/** The after-image, unless it was not read or was read before the change showed. */
function leftBehind(
  { request }: Effect,
  target: Image | null,
  after: Image | null,
  body: Image | null,
  volatile: readonly string[],
): Image | null {
  const late =
    after && target && equalImages(after, target, volatile) && showsIntended(request, body, after, volatile) === false
  if (after && !late) return after
  if (target === null || request.resource !== request.target.split('?', 1)[0]) return after
  if (request.method === 'DELETE') return { kind: 'absent' }
  if (request.method !== 'PUT' && request.method !== 'PATCH') return after
  const [old, asked] = [jsonOf(target), jsonOf(body)]
  if (isJsonObject(asked) && (isJsonObject(old) || target.kind === 'absent')) {
    const value = Object.fromEntries([...Object.entries(isJsonObject(old) ? old : {}), ...Object.entries(asked)])
    return { kind: 'json', value, type: null }
  }
  return request.method === 'PUT' ? body : after
}

/** @throws ServiceUnavailable when the service could not be asked. */
export async function readNow(context: UndoContext): Promise<{ reading: Reading; image: Image | null }> {
  const { ports, connector, resource } = context
  if (resource === null) {
    return { reading: { state: 'unreadable', reason: 'which resource it changed is not known' }, image: null }
  }
  const { reading, unavailable } = await tryRead(ports, connector, resource)
  if (unavailable && reading.state === 'unreadable') throw new ServiceUnavailable(reading.reason)
  return { reading, image: await loadImage(reading, ports.blobs) }
}

/** True where the resource reads as the target, as far as the fields go that the effect was meant to change. */
export function isBack({ target, left, fields, volatile, readOnly }: UndoContext, now: Image): boolean {
  if (target === null) return false
  if (equalImages(target, now, volatile)) return true
  // Without knowing what it left behind, which fields it changed is not known either.
  if (target.kind !== 'json' || now.kind !== 'json' || left === null) return false
  // Within a list, which is compared as a whole, the service may set fields of its own.
  const own = [...volatile, ...readOnly]
  const [before, present] = [withoutVolatile(target.value, own), withoutVolatile(now.value, own)]
  return fields.requested.every((path) => {
    const [wanted, actual] = [getField(before, path), getField(present, path)]
    // A service that can not remove a field may hold null instead; the verdict says so.
    return equalJson(wanted, actual) || (wanted === undefined && actual === null)
  })
}

/**
 * What somebody else changed since: fields the effect was meant to change that no longer are as it left them. Where the
 * effect created or removed the whole resource, all of it counts, except what the service manages.
 */
export function driftOf(context: UndoContext, now: Image): FieldChange[] {
  const { target, left, fields, volatile } = context
  if (left === null) return []
  if (left.kind !== 'json' || now.kind !== 'json') return diffImages(left, now, volatile)
  const changes = diffJson(left.value, now.value, volatile)
  if (target?.kind === 'json')
    return changes.filter(({ path }) => fields.requested.some((each) => isOverlap(each, path)))
  return changes.filter(({ path }) => !fields.managed.some((each) => isOverlap(each, path)))
}

/** The verdict on what was read back, in a sentence that says no more than what was read. */
export function judge(
  context: UndoContext,
  read: { reading: Reading; image: Image | null },
  how: string,
  guard: Guard | null,
): UndoOutcome {
  const { target, fields, volatile, resource } = context
  const { reading, image } = read
  const outcome = (verdict: UndoOutcome['verdict'], note: string): UndoOutcome => ({
    verdict,
    guard,
    note: `${how}; ${note}`,
    readBack: reading,
    drift: [],
  })
  if (image === null) {
    return outcome('unverified', reading.state === 'unreadable' ? `not verified: ${reading.reason}` : 'not verified')
  }
  if (target === null) {
    return image.kind === 'absent'
      ? outcome('equivalent', `${resource} reads as not there; it was not read before the effect`)
      : outcome('unverified', `${resource} can be read, but was not read before the effect`)
  }
  if (equalImages(target, image, volatile)) {
    if (target.kind === 'absent') return outcome('exact', `${resource} reads as not there, as before`)
    return outcome('exact', `${resource} reads as before${volatile.length > 0 ? `, ${volatile.join(', ')} aside` : ''}`)
  }
  const differing = diffImages(target, image, volatile).map(({ path }) => path || 'the body')
  const named = differing.slice(0, 5).join(', ') + (differing.length > 5 ? ` and ${differing.length - 5} more` : '')
  if (isBack(context, image)) {
    const what =
      fields.requested.length > 0 ? `${fields.requested.join(', ')} read as before` : 'it had changed nothing'
    return outcome('equivalent', `${what}; on ${resource} these differ from before: ${named}`)
  }
  return outcome('failed', `on ${resource} these still differ from before: ${named}`)
}

export function drifted(drift: FieldChange[], guard: Guard | null, reading: Reading, resource: string): UndoOutcome {
  const named = drift.map(({ path }) => path || 'the body').slice(0, 5)
  const what = named.length > 0 ? named.join(', ') : 'something'
  const note = `${resource} was changed by somebody else since (${what}); nothing was written`
  return { verdict: 'drifted', guard, note, readBack: reading, drift }
}

export function failed(note: string, reading: Reading | null = null, guard: Guard | null = null): UndoOutcome {
  return { verdict: 'failed', guard, note, readBack: reading, drift: [] }
}
