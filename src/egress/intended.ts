import type { EffectRequest } from '../run/effect.ts'
import { equalJson, isJsonObject } from '../run/json.ts'
import type { Json } from '../run/json.ts'
import { withoutVolatile } from '../run/diff.ts'
import type { Image } from './images.ts'

/**
 * Whether a reading shows what a PUT, PATCH or DELETE asked for. null: the request does not say what it would look like
 * (a POST, a JSON Patch, or a resource that is not the one that was addressed).
 */
export function showsIntended(
  request: EffectRequest,
  body: Image | null,
  reading: Image,
  volatile: readonly string[],
): boolean | null {
  if (request.resource === null || request.resource !== request.target.split('?', 1)[0]) return null
  switch (request.method) {
    case 'DELETE':
      return reading.kind === 'absent'
    case 'PUT':
      if (body?.kind === 'json') return reading.kind === 'json' && covers(reading.value, strip(body.value, volatile))
      if (body?.kind === 'bytes') return reading.kind === 'bytes' && reading.digest === body.digest
      return null
    case 'PATCH':
      if (body?.kind !== 'json' || !isJsonObject(body.value)) return null
      if (/json-patch/i.test(request.headers['content-type'] ?? '')) return null
      return reading.kind === 'json' && covers(reading.value, strip(body.value, volatile))
    default:
      return null
  }
}

const strip = (value: Json, volatile: readonly string[]) => withoutVolatile(value, volatile)

/** All that was asked for is there; services add fields of their own. null asks for nothing to be there (RFC 7396). */
function covers(actual: Json | undefined, wanted: Json | undefined): boolean {
  if (isJsonObject(wanted)) {
    if (!isJsonObject(actual)) return false
    return Object.entries(wanted).every(([name, field]) =>
      covers(Object.hasOwn(actual, name) ? actual[name] : undefined, field),
    )
  }
  if (wanted === null) return actual === null || actual === undefined
  return equalJson(actual, wanted)
}
