import { isLosslessNumber, LosslessNumber, parse, stringify } from 'lossless-json'

/**
 * JSON without loss: `JSON.parse` changes integers above 2^53 and long decimals, and a restore would then write the changed
 * value and call it equal. Numbers that were read keep the digits they had.
 */
export type Json = null | boolean | string | number | bigint | LosslessNumber | Json[] | JsonObject
export interface JsonObject {
  [key: string]: Json
}

/** Levels of nesting. */
const DEPTH_LIMIT = 500

/**
 * Parses JSON text; numbers become `LosslessNumber`.
 * @throws SyntaxError for anything that is not JSON, has one key twice with different values, or is nested too deeply.
 */
export function parseJson(text: string): Json {
  if (isDeep(text)) throw new SyntaxError(`JSON is nested more than ${DEPTH_LIMIT} levels deep`)
  return parse(text) as Json
}

/** Everything that walks JSON here is recursive: a hostile body of brackets must not end in a stack overflow. */
function isDeep(text: string): boolean {
  let depth = 0
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[{\]}]/gs)) {
    if (token === '[' || token === '{') depth += 1
    else if (token === ']' || token === '}') depth -= 1
    if (depth > DEPTH_LIMIT) return true
  }
  return false
}

/** As `parseJson`, with undefined for what does not parse. */
export function tryParseJson(text: string): Json | undefined {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

/** JSON text of a value; what was read by `parseJson` is written with the same digits. Undefined fields are left out. */
export function toJsonText(value: unknown): string {
  const text = stringify(value)
  if (text === undefined) throw new TypeError(`a ${typeof value} has no JSON form`)
  return text
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value)
}

/** Equal as JSON: numbers by value (`1.0` is `1`), objects whatever the order of their keys. */
export function equalJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (isNumeric(a) && isNumeric(b)) return toCanonicalNumber(a) === toCanonicalNumber(b)
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => equalJson(item, b[index]))
  }
  if (isJsonObject(a) && isJsonObject(b)) {
    const keys = Object.keys(a)
    if (keys.length !== Object.keys(b).length) return false
    return keys.every((key) => Object.hasOwn(b, key) && equalJson(a[key], b[key]))
  }
  return false
}

/** One dotted path from keys. Keys that hold a dot or a backslash, or are empty, are escaped. */
export function toPath(keys: readonly string[]): string {
  return keys.map((key) => (key === '' ? '\\e' : key.replaceAll(/[\\.]/g, '\\$&'))).join('.')
}

/** The keys of a dotted path; none for the empty path, which is the whole value. */
export function fromPath(path: string): string[] {
  if (path === '') return []
  const keys = ['']
  for (const [part] of path.matchAll(/\\.|\.|[^\\.]+/gs)) {
    if (part === '.') keys.push('')
    else keys[keys.length - 1] += part === '\\e' ? '' : part.replace(/^\\/, '')
  }
  return keys
}

/** What is at a dotted path (array items by index), own fields only; undefined where there is nothing. */
export function getField(value: Json | undefined, path: string): Json | undefined {
  let at: Json | undefined = value
  for (const key of fromPath(path)) {
    if (Array.isArray(at)) at = isIndex(key) ? at[Number(key)] : undefined
    else if (isJsonObject(at) && Object.hasOwn(at, key)) at = at[key]
    else return undefined
  }
  return at
}

/** A copy with `field` at a dotted path; missing objects on the way are created. The original is untouched. */
export function setField(value: Json | undefined, path: string, field: Json): Json {
  return edit(value, fromPath(path), () => field) ?? field
}

/** A copy without what is at a dotted path. The original is untouched. */
export function removeField(value: Json, path: string): Json {
  if (getField(value, path) === undefined) return value
  return edit(value, fromPath(path), () => undefined) ?? null
}

function edit(value: Json | undefined, keys: readonly string[], change: () => Json | undefined): Json | undefined {
  const [key, ...rest] = keys
  if (key === undefined) return change()
  if (Array.isArray(value) && isIndex(key)) {
    const items = [...value]
    const item = edit(items[Number(key)], rest, change)
    if (item === undefined) items.splice(Number(key), 1)
    else items[Number(key)] = item
    return items
  }
  const fields = new Map(isJsonObject(value) ? Object.entries(value) : [])
  const field = edit(fields.get(key), rest, change)
  if (field === undefined) fields.delete(key)
  else fields.set(key, field)
  // fromEntries defines fields; an assignment to `__proto__` would change the prototype instead.
  return Object.fromEntries(fields)
}

const isIndex = (key: string): boolean => /^(0|[1-9][0-9]{0,8})$/.test(key)

type Numeric = number | bigint | LosslessNumber

function isNumeric(value: unknown): value is Numeric {
  return typeof value === 'number' || typeof value === 'bigint' || isLosslessNumber(value)
}

/** One text per numeric value, without ever computing with it: `1e2`, `100` and `100.0` are the same. */
function toCanonicalNumber(value: Numeric): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(String(value))
  if (!match) return String(value)
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  const scale = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length)
  return `${sign}${significant}e${scale}`
}
