import { toPath } from '../../run/json.ts'
import { follow, isObject } from './references.ts'

/**
 * What a JSON Schema says about the shape of a value, as far as undo needs it: which fields, who sets them, which types.
 * Computed one level at a time, so that circular schemas end.
 */
export interface Shape {
  readonly kind: 'object' | 'array' | 'scalar' | 'unknown'
  /** JSON types it names; empty: any. */
  readonly types: ReadonlySet<string>
  readonly fields: ReadonlyMap<string, Field>
  /** True: it may have fields that are not listed, as far as the schema says. */
  readonly open: boolean
  readonly readOnly: boolean
  readonly writeOnly: boolean
  /** Of a list. */
  items(): Shape
}

export interface Field {
  /** False: some variants do not have it. */
  readonly always: boolean
  shape(): Shape
}

export interface SchemaContext {
  readonly root: unknown
  readonly version: '3.0' | '3.1'
}

const UNKNOWN: Shape = {
  kind: 'unknown',
  types: new Set(),
  fields: new Map(),
  open: true,
  readOnly: false,
  writeOnly: false,
  items: () => UNKNOWN,
}
const SCALARS: ReadonlySet<string> = new Set(['string', 'number', 'integer', 'boolean'])

export function toShape(context: SchemaContext, schema: unknown): Shape {
  return read(context, schema, [])
}

/** @param above references that led here without going into a field: a schema that is its own part says nothing more. */
function read(context: SchemaContext, schema: unknown, above: readonly string[]): Shape {
  const { value, refs } = follow(context.root, schema)
  if (refs.some((ref) => above.includes(ref)) || !isObject(value)) return UNKNOWN
  const within = [...above, ...refs]
  const part = (name: string) => (Array.isArray(value[name]) ? (value[name] as unknown[]) : [])
  const shapes = [own(context, value), ...part('allOf').map((each) => read(context, each, within))]
  for (const name of ['oneOf', 'anyOf']) {
    const variants = part(name).map((each) => read(context, each, within))
    if (variants.length > 0) shapes.push(either(variants.filter(({ types }) => !isNull(types))))
  }
  const whole = shapes.reduce(both)
  // What stands beside a reference counts from 3.1 on.
  const beside = refs.length > 0 && context.version === '3.1' && isObject(schema) ? own(context, schema) : null
  return beside ? both(beside, whole) : whole
}

function own(context: SchemaContext, value: Readonly<Record<string, unknown>>): Shape {
  const { type, properties, items, additionalProperties } = value
  const named = (Array.isArray(type) ? type : [type]).filter((each): each is string => typeof each === 'string')
  const types = new Set(named.filter((each) => each !== 'null' || named.length === 1))
  const fields = new Map<string, Field>()
  for (const [name, schema] of isObject(properties) ? Object.entries(properties) : []) {
    fields.set(name, { always: true, shape: () => toShape(context, schema) })
  }
  const kind =
    fields.size > 0 || types.has('object')
      ? 'object'
      : types.has('array') || items !== undefined
        ? 'array'
        : types.size > 0 && [...types].every((each) => SCALARS.has(each))
          ? 'scalar'
          : types.size === 0 && (Array.isArray(value['enum']) || 'const' in value)
            ? 'scalar'
            : 'unknown'
  return {
    kind,
    types,
    fields,
    open: additionalProperties === true || isObject(additionalProperties) || fields.size === 0,
    readOnly: value['readOnly'] === true,
    writeOnly: value['writeOnly'] === true,
    items: () => toShape(context, items),
  }
}

const isNull = (types: ReadonlySet<string>): boolean => types.size === 1 && types.has('null')

/** What is both: `allOf`, and keywords beside others. */
function both(a: Shape, b: Shape): Shape {
  if (a === UNKNOWN) return b
  if (b === UNKNOWN) return a
  const kind = a.kind === 'unknown' ? b.kind : a.kind
  const fields = new Map(a.fields)
  for (const [name, field] of b.fields) {
    const other = fields.get(name)
    fields.set(name, other ? { always: true, shape: () => both(other.shape(), field.shape()) } : field)
  }
  return {
    kind,
    types: new Set([...a.types, ...b.types]),
    fields,
    open: fields.size === 0 || (a.fields.size > 0 && a.open) || (b.fields.size > 0 && b.open),
    readOnly: a.readOnly || b.readOnly,
    writeOnly: a.writeOnly || b.writeOnly,
    items: () => both(a.items(), b.items()),
  }
}

/** What is one of several. */
function either(variants: readonly Shape[]): Shape {
  const [first] = variants
  if (!first) return UNKNOWN
  if (variants.length === 1) return first
  const fields = new Map<string, Field>()
  for (const name of new Set(variants.flatMap((each) => [...each.fields.keys()]))) {
    const holders = variants.flatMap((each) => each.fields.get(name) ?? [])
    const always = holders.length === variants.length && holders.every((each) => each.always)
    fields.set(name, { always, shape: () => either(holders.map((each) => each.shape())) })
  }
  return {
    kind: variants.every(({ kind }) => kind === first.kind) ? first.kind : 'unknown',
    types: new Set(variants.flatMap(({ types }) => [...types])),
    fields,
    open: variants.some(({ open }) => open),
    readOnly: variants.every(({ readOnly }) => readOnly),
    writeOnly: variants.some(({ writeOnly }) => writeOnly),
    items: () => either(variants.map((each) => each.items())),
  }
}

/** Levels of fields within fields that are told apart; below, a field counts as a whole. */
const DEPTH = 3
/** More paths than these are not kept: then only the top fields are told apart. */
const COUNT = 100

export interface Leaf {
  /** Dotted; items of a list have no part in it. */
  readonly path: string
  readonly keys: readonly string[]
  readonly shape: Shape
}

/** What a shape is about: the items of a list, else itself. */
export const innerOf = (shape: Shape): Shape => (shape.kind === 'array' ? shape.items() : shape)

/** The fields of an object or of a list's items, down to those that are told apart. */
export function leavesOf(shape: Shape): Leaf[] {
  const all: Leaf[] = []
  collect(innerOf(shape), [], DEPTH, all)
  if (all.length <= COUNT) return all
  const tops: Leaf[] = []
  collect(innerOf(shape), [], 1, tops)
  return tops
}

function collect(shape: Shape, keys: readonly string[], depth: number, into: Leaf[]): void {
  for (const [name, field] of shape.fields) {
    const at = [...keys, name]
    const found = field.shape()
    const inner = innerOf(found)
    const descends = depth > 1 && inner.fields.size > 0 && !inner.open && !found.readOnly && !found.writeOnly
    if (descends) collect(inner, at, depth - 1, into)
    else into.push({ path: toPath(at), keys: at, shape: found })
    if (depth > 1 && into.length > COUNT) return
  }
}

/**
 * The shape at a path of fields, through lists; null: it is not shown. What is not listed in an open object may be shown,
 * what is below something of another kind is not.
 */
export function shapeAt(shape: Shape, keys: readonly string[]): Shape | null {
  let at = shape
  for (const key of keys) {
    const inner = innerOf(at)
    const field = inner.fields.get(key)
    if (!field) return inner.open && inner.kind !== 'scalar' ? UNKNOWN : null
    at = field.shape()
  }
  return at
}

/** False where a value of one shape cannot be one of the other. */
export function isCompatible(a: Shape, b: Shape, depth = 2): boolean {
  if (a.kind !== 'unknown' && b.kind !== 'unknown' && a.kind !== b.kind) return false
  if (a.kind === 'array' && b.kind === 'array') return depth === 0 || isCompatible(a.items(), b.items(), depth - 1)
  const [types, others] = [toJsonTypes(a.types), toJsonTypes(b.types)]
  return types.size === 0 || others.size === 0 || [...types].some((each) => others.has(each))
}

const toJsonTypes = (types: ReadonlySet<string>) =>
  new Set([...types].map((each) => (each === 'integer' ? 'number' : each)))
