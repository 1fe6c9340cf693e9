import { setTimeout as delay } from 'node:timers/promises'
import type { Guard, UndoOutcome } from '../run/effect.ts'
import { fromPath, getField, isJsonObject, removeField, setField, toJsonText, toPath } from '../run/json.ts'
import type { Json } from '../run/json.ts'
import { changedPaths, isOverlap, isWithin, onlyFields, withoutVolatile } from '../run/diff.ts'
import { matchRoute } from '../run/routes.ts'
import type { Method } from '../run/agent.ts'
import type { UpstreamAnswer, UpstreamRequest } from './connectors/http.ts'
import { toKeyHeader } from './headers.ts'
import { equalImages, jsonOf } from './images.ts'
import type { Image } from './images.ts'
import { drifted, driftOf, failed, isBack, judge, readNow, ServiceUnavailable } from './undo-context.ts'
import type { UndoContext } from './undo-context.ts'

/** Answers after which the same write may succeed later. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504])

/** Reads and writes again where the service said that the resource changed in between. */
const TRIES = 2

/**
 * Writes a resource back as it was: read ▸ already back? ▸ drifted? ▸ write, guarded ▸ read back. Idempotent: whatever
 * was lost after the write, the next arrival reads first.
 * @throws ServiceUnavailable when the service can not be asked now.
 */
export async function restore(context: UndoContext, method: 'PUT' | 'PATCH' | 'DELETE'): Promise<UndoOutcome> {
  const { ports, connector, target, left, force, resource } = context
  if (resource === null || target === null)
    return failed('the state before the effect was not recorded; undo it by hand')
  const upstream = ports.upstreams.get(connector.name)

  for (let attempt = 1; ; attempt += 1) {
    const now = await readNow(context)
    if (now.image === null) {
      const reason = now.reading.state === 'unreadable' ? now.reading.reason : 'it can not be compared'
      return failed(`${resource} can not be read, so nothing was written: ${reason}`, now.reading)
    }
    if (isBack(context, now.image)) return judge(context, now, 'nothing was left to undo', null)
    if (left === null && !force) {
      return failed(`what the effect left on ${resource} is not known, so a later change can not be told`, now.reading)
    }
    const drift = driftOf(context, now.image)
    if (drift.length > 0 && !force) return drifted(drift, guardOf(now.reading), now.reading, resource)

    const etag = strongTag(now.reading)
    const guard: Guard = etag === null ? 'reread' : 'etag'
    const write = toWrite(context, method, now.image, etag)
    if ('problem' in write) return failed(write.problem, now.reading, guard)
    const answer = await upstream.send(write)
    if (answer.kind !== 'answer') throw new ServiceUnavailable(answer.reason)
    const how = `${write.method} ${resource} answered ${answer.status}`
    if (answer.status === 412) {
      if (attempt < TRIES) continue
      const again = await readNow(context)
      return drifted(again.image ? driftOf(context, again.image) : [], guard, again.reading, resource)
    }
    const back = await readBack(context, answer, now.image)
    const outcome = judge(context, back, drift.length > 0 ? `${how}, over a later change` : how, guard)
    if (outcome.verdict === 'failed' && LATER.has(answer.status)) throw new ServiceUnavailable(how)
    return outcome
  }
}

/** What is read after a write; once more after the settle time where it still shows the state before the write. */
export async function readBack(
  context: UndoContext,
  answer: Extract<UpstreamAnswer, { kind: 'answer' }>,
  written: Image | null,
): ReturnType<typeof readNow> {
  const first = await readNow(context)
  const stale = first.image && written && equalImages(first.image, written, context.volatile)
  if (!stale || answer.status >= 400) return first
  await delay(context.ports.upstreams.get(context.connector.name).settleMs)
  return await readNow(context)
}

/** The ETag to write under; a weak one never matches (RFC 9110, 13.1.1). */
export function strongTag(reading: { state: string; etag?: string | null }): string | null {
  return reading.etag && !reading.etag.startsWith('W/') ? reading.etag : null
}

const guardOf = (reading: { state: string; etag?: string | null }): Guard => (strongTag(reading) ? 'etag' : 'reread')

function toWrite(
  context: UndoContext,
  registered: 'PUT' | 'PATCH' | 'DELETE',
  now: Image,
  etag: string | null,
): UpstreamRequest | { problem: string } {
  const { target, volatile, readOnly, resource, connector } = context
  if (target === null || resource === null) return { problem: 'the state before the effect was not recorded' }
  const path = resource.split('?', 1)[0] ?? resource
  const guard: Record<string, string> =
    etag !== null ? { 'if-match': etag } : now.kind === 'absent' ? { 'if-none-match': '*' } : {}
  const routeOf = (method: Method) => matchRoute(connector, method, path)?.route ?? null
  const write = (method: 'PUT' | 'PATCH', body: Uint8Array, type: string): UpstreamRequest => ({
    method,
    target: resource,
    headers: {
      ...guard,
      ...toKeyHeader(routeOf(method)),
      accept: 'application/json, */*;q=0.5',
      'content-type': type,
    },
    body,
  })
  if (target.kind === 'absent') {
    return { method: 'DELETE', target: resource, headers: { ...guard, ...toKeyHeader(routeOf('DELETE')) }, body: null }
  }
  if (target.kind === 'bytes') {
    if (registered !== 'PUT' && !routeOf('PUT')) {
      return { problem: `${resource} is not JSON, and no PUT is declared that could write its bytes back` }
    }
    return write('PUT', target.bytes, target.type ?? 'application/octet-stream')
  }

  const [put, patch] = [routeOf('PUT'), routeOf('PATCH')]
  const paths = fieldsToWrite(context, now)
  const own = [...volatile, ...readOnly]
  const restored = withoutVolatile(putBack(jsonOf(now), target.value, paths), own)
  // A PATCH can not say "remove this field" to every service; a PUT can.
  const removes = paths.some((each) => getField(target.value, each) === undefined)
  const writable = paths.filter((each) => (patch?.writable ?? ['']).some((field) => isOverlap(field, each)))
  const fields = now.kind === 'json' ? toPatch(restored, writable) : null
  const falls = removes || !fields || writable.length < paths.length
  if (registered === 'PUT' || (falls && put !== null && put.unfit === undefined)) {
    const body = onlyFields(restored, put?.writable)
    return write('PUT', toBytes(body), put?.media ?? contentType(context, 'PUT', target.type))
  }
  if (!fields) return { problem: `${resource} can not be written back field by field, and no PUT is declared for it` }
  const body = onlyFields(fields, patch?.writable)
  return write('PATCH', toBytes(body), patch?.media ?? contentType(context, 'PATCH', target.type))
}

function fieldsToWrite({ fields, left, target, volatile, readOnly }: UndoContext, now: Image): string[] {
  // Forced without knowing what the effect left: everything that differs.
  if (left === null || left.kind !== 'json') {
    return changedPaths(jsonOf(target), jsonOf(now), volatile).filter((path) => !isWithin(path, readOnly))
  }
  return fields.requested
}

/** The resource as it reads now with the fields as they were: what others changed elsewhere in it stays. */
function putBack(now: Json | undefined, before: Json, paths: readonly string[]): Json {
  if (now === undefined) return before
  return paths.reduce<Json>((at, path) => {
    const field = getField(before, path)
    return field === undefined ? removeField(at, path) : setField(at, path, field)
  }, now)
}

/** Whole top-level fields, right for services that merge deeply and for those that assign. null: not an object. */
function toPatch(restored: Json, paths: readonly string[]): Json | null {
  if (!isJsonObject(restored) || paths.length === 0 || paths.includes('')) return null
  const tops = new Set(paths.map((path) => fromPath(path)[0] ?? ''))
  return Object.fromEntries([...tops].map((top) => [top, getField(restored, toPath([top])) ?? null]))
}

function contentType({ effect }: UndoContext, method: 'PUT' | 'PATCH', read: string | null): string {
  const sent = effect.request.headers['content-type']
  if (effect.request.method === method && sent && /json/i.test(sent) && !/json-patch/i.test(sent)) return sent
  return method === 'PUT' && read && /json/i.test(read) ? read : 'application/json'
}

const toBytes = (value: Json): Uint8Array => Buffer.from(toJsonText(value), 'utf8')
