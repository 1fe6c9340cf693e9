import type { Blobs } from '../blobs/blobs.ts'
import { diffJson } from '../run/diff.ts'
import type { FieldChange } from '../run/diff.ts'
import type { Reading } from '../run/effect.ts'
import { equalJson, toJsonText, tryParseJson } from '../run/json.ts'
import type { Json } from '../run/json.ts'
import { withoutVolatile } from '../run/diff.ts'
import type { Stored } from '../run/stored.ts'

/** A reading with its bytes at hand. Compared as lossless JSON where it is JSON, else as bytes. */
export type Image =
  | { readonly kind: 'absent' }
  | { readonly kind: 'json'; readonly value: Json; readonly type: string | null }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly digest: string; readonly type: string | null }

/** null: the reading shows nothing that could be compared. */
export async function loadImage(reading: Reading | null, blobs: Blobs): Promise<Image | null> {
  if (reading === null || reading.state === 'unreadable') return null
  if (reading.state === 'absent') return { kind: 'absent' }
  return await loadBody(reading.body, blobs)
}

export async function loadBody(stored: Stored, blobs: Blobs): Promise<Image> {
  const bytes = await blobs.get(stored)
  const value = toJson(bytes, stored.type)
  if (value !== undefined) return { kind: 'json', value, type: stored.type }
  return { kind: 'bytes', bytes, digest: stored.digest, type: stored.type }
}

/** JSON of a body that says it is JSON, or says nothing; undefined for anything else, bad UTF-8 included. */
export function toJson(bytes: Uint8Array, type: string | null): Json | undefined {
  if (type !== null && !/json/i.test(type)) return undefined
  try {
    return tryParseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

/** undefined for what is not JSON or is not there. */
export const jsonOf = (image: Image | null): Json | undefined => (image?.kind === 'json' ? image.value : undefined)

export function equalImages(a: Image, b: Image, volatile: readonly string[]): boolean {
  if (a.kind === 'json' && b.kind === 'json') {
    return equalJson(withoutVolatile(a.value, volatile), withoutVolatile(b.value, volatile))
  }
  if (a.kind === 'bytes' && b.kind === 'bytes') return a.digest === b.digest
  return a.kind === 'absent' && b.kind === 'absent'
}

/** What differs, for people. An image that was not read says nothing: no change is listed. */
export function diffImages(before: Image | null, after: Image | null, volatile: readonly string[]): FieldChange[] {
  if (after === null) return []
  const isJson = (image: Image | null) => image === null || image.kind !== 'bytes'
  if (isJson(before) && isJson(after)) return diffJson(jsonOf(before), jsonOf(after), volatile)
  if (before !== null && equalImages(before, after, volatile)) return []
  return [{ path: '', before: show(before), after: show(after) }]
}

function show(image: Image | null): string | null {
  if (image === null || image.kind === 'absent') return null
  if (image.kind === 'json') return toJsonText(image.value).slice(0, 200)
  const text = Buffer.from(image.bytes).toString('utf8')
  if (text.length <= 200 && /^[^\0-\x08\ufffd]*$/.test(text)) return JSON.stringify(text)
  return `${image.bytes.length} bytes, ${image.digest}`
}
