import { equalJson, fromPath, isJsonObject, toJsonText, toPath } from './json.ts'
import type { Json } from './json.ts'

/** One field that differs between two images. Values are JSON text, shortened; null: the field was not there. */
export interface FieldChange {
  /** Dotted path; empty for the whole body. */
  readonly path: string
  readonly before: string | null
  readonly after: string | null
}

/** Longest value in a `FieldChange`, characters. */
const SHOWN = 200

/**
 * What differs between two images, for people to read. undefined: the resource was not there.
 * @param volatile dotted paths that change by themselves; they and all below them are left out, in every item of an array.
 */
export function diffJson(
  before: Json | undefined,
  after: Json | undefined,
  volatile: readonly string[] = [],
): FieldChange[] {
  return changes(before, after, volatile, true).map(({ keys, before: old, after: now }) => ({
    path: toPath(keys),
    before: show(old),
    after: show(now),
  }))
}

/** Most changes of one resource that are kept for people. */
const MOST_SHOWN = 100

/** A list short enough to be handed around: what is beyond its end is counted. */
export function shortenDiff(all: readonly FieldChange[]): FieldChange[] {
  if (all.length <= MOST_SHOWN) return [...all]
  const more = all.length - MOST_SHOWN
  return [...all.slice(0, MOST_SHOWN), { path: '…', before: null, after: `and ${more} more fields` }]
}

/** Dotted paths that differ. Arrays count as wholes: an index means nothing once somebody else inserted an item. */
export function changedPaths(before: Json | undefined, after: Json | undefined, volatile: readonly string[]): string[] {
  return changes(before, after, volatile, false).map(({ keys }) => toPath(keys))
}

/** A copy without the volatile fields. */
export function withoutVolatile(value: Json, volatile: readonly string[]): Json {
  return volatile.reduce<Json>((at, path) => strip(at, fromPath(path)), value)
}

/** A copy with nothing but some fields, dotted, in every item of an array; undefined: all of it. */
export function onlyFields(value: Json, paths: readonly string[] | undefined): Json {
  return paths === undefined ? value : keep(value, paths.map(fromPath))
}

function keep(value: Json, paths: readonly (readonly string[])[]): Json {
  if (Array.isArray(value)) return value.map((item) => keep(item, paths))
  if (!isJsonObject(value) || paths.some((keys) => keys.length === 0)) return value
  const fields = Object.entries(value).flatMap(([name, field]): [string, Json][] => {
    const below = paths.filter(([key]) => key === name).map(([, ...rest]) => rest)
    return below.length === 0 ? [] : [[name, keep(field, below)]]
  })
  return Object.fromEntries(fields)
}

/** True where a dotted path is one of some, or below one. */
export function isWithin(path: string, paths: readonly string[]): boolean {
  const keys = fromPath(path)
  return paths.some((each) => fromPath(each).every((key, index) => key === keys[index]))
}

/** True where one of two dotted paths is the other, or within it. */
export function isOverlap(a: string, b: string): boolean {
  return isWithin(a, [b]) || isWithin(b, [a])
}

/** True where there is something at a dotted path, in some item of an array at least. */
export function holdsField(value: Json, path: string): boolean {
  const visit = (at: Json | undefined, [key, ...rest]: readonly string[]): boolean => {
    if (at === undefined || key === undefined) return at !== undefined
    if (Array.isArray(at)) return at.some((item) => visit(item, [key, ...rest]))
    return isJsonObject(at) && visit(own(at, key), rest)
  }
  return visit(value, fromPath(path))
}

interface Change {
  readonly keys: readonly string[]
  readonly before: Json | undefined
  readonly after: Json | undefined
}

function changes(
  before: Json | undefined,
  after: Json | undefined,
  volatile: readonly string[],
  intoArrays: boolean,
): Change[] {
  const found: Change[] = []
  const visit = (keys: readonly string[], old: Json | undefined, now: Json | undefined): void => {
    if (equalJson(old, now)) return
    const [oldFields, nowFields] = [toFields(old), toFields(now)]
    // What appears or vanishes is listed field by field at the top only: that is the resource itself.
    const whole = keys.length === 0 && (old === undefined || now === undefined)
    if ((oldFields && nowFields) || (whole && (oldFields ?? nowFields))) {
      const names = new Set([...Object.keys(oldFields ?? {}), ...Object.keys(nowFields ?? {})])
      if (names.size > 0) {
        for (const name of names) visit([...keys, name], own(oldFields, name), own(nowFields, name))
        return
      }
    }
    const items = intoArrays ? toPairs(old, now) : null
    if (items) {
      for (const [index, [item, other]] of items.entries()) visit([...keys, String(index)], item, other)
      return
    }
    found.push({ keys, before: old, after: now })
  }
  const stripped = (value: Json | undefined) => (value === undefined ? undefined : withoutVolatile(value, volatile))
  visit([], stripped(before), stripped(after))
  return found
}

/** Item by item is readable where both lists hold as many objects. */
function toPairs(old: Json | undefined, now: Json | undefined): [Json, Json][] | null {
  if (!Array.isArray(old) || !Array.isArray(now) || old.length !== now.length) return null
  const pairs = old.map((item, index): [Json, Json] => [item, now[index] ?? null])
  return pairs.every(([item, other]) => isJsonObject(item) && isJsonObject(other)) ? pairs : null
}

function strip(value: Json, keys: readonly string[]): Json {
  const [key, ...rest] = keys
  if (key === undefined) return value
  if (Array.isArray(value)) return value.map((item) => strip(item, keys))
  if (!isJsonObject(value) || !Object.hasOwn(value, key)) return value
  const fields = Object.entries(value).flatMap(([name, field]): [string, Json][] => {
    if (name !== key) return [[name, field]]
    return rest.length === 0 ? [] : [[name, strip(field, rest)]]
  })
  return Object.fromEntries(fields)
}

const toFields = (value: Json | undefined) => (isJsonObject(value) ? value : undefined)
const own = (fields: Record<string, Json> | undefined, name: string): Json | undefined =>
  fields && Object.hasOwn(fields, name) ? fields[name] : undefined

function show(value: Json | undefined): string | null {
  if (value === undefined) return null
  const text = toJsonText(value)
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN - 1)}…`
}
