import type { Method, RouteSpec } from '../../run/agent.ts'
import { toPath } from '../../run/json.ts'
import { parseRoute, toShape as toRouteShape } from '../routes.ts'
import type { OpenApiDocument } from './document.ts'
import { identityField } from './identity.ts'
import { operationsOf } from './operations.ts'
import type { Media, Operation } from './operations.ts'
import { innerOf, isCompatible, leavesOf, shapeAt, toShape } from './schema.ts'
import type { Leaf, Shape } from './schema.ts'

/**
 * What each route of a document does, and how it is undone. Only what the document shows counts: what a method usually
 * means was wrong more often than right where it was tried, so everything else is left open, with the reason.
 */

/** What reading a path shows, as far as the document says. */
export interface Representation {
  readonly type: string
  readonly kind: Shape['kind'] | 'bytes'
}

export interface DerivedRoutes {
  readonly digest: string
  readonly routes: readonly RouteSpec[]
  /** By path template: what a GET there shows, where it shows one resource. */
  readonly shown: ReadonlyMap<string, Representation>
  /** Operations that can not be a route, and why. */
  readonly skipped: readonly { readonly route: string; readonly reason: string }[]
}

const READS: ReadonlySet<Method> = new Set<Method>(['GET', 'HEAD', 'OPTIONS'])
/** Parameters by which a GET shows one part of a list. */
const PAGING =
  /^(limit|offset|skip|top|page|page_?(size|token|number)|per_?page|size|cursor|starting_?after|after|before|max_?results|marker)$/i
/** Headers that egress sends by itself where they are needed. */
const SENT: ReadonlySet<string> = new Set(['accept', 'authorization', 'content-type', 'if-match', 'idempotency-key'])
/**
 * Fields that change with every write or every creation. Only where the document says that the service sets them: a
 * `version` that clients set is data.
 */
const SELF_CHANGING =
  /^((last)?(created|updated|modified|changed|edited)(at|on|by|date|time|timestamp|datetime)?|(date|time)(created|updated|modified|changed)|(creation|update|modification)(date|time|timestamp)|[cm]time|version|revision|rev|etag|lockversion|rowversion|resourceversion)$/

/**
 * @param hosts Names, with ports, that the service is reached by: which of several servers is meant.
 * @throws OpenApiError for a document that is not what OpenAPI says.
 */
export function toRoutes(document: OpenApiDocument, hosts: readonly string[] = []): DerivedRoutes {
  const paths = new Map<string, Map<Method, Operation>>()
  const skipped: { route: string; reason: string }[] = []
  const shapes = new Map<string, string>()
  for (const operation of operationsOf(document, hosts)) {
    const { method, template } = operation
    const route = `${method} ${template}`
    try {
      const shape = toRouteShape(parseRoute(route, {}))
      const other = shapes.get(shape)
      if (other !== undefined) throw new Error(`it matches the same requests as ${other}`)
      shapes.set(shape, route)
    } catch (error) {
      skipped.push({ route, reason: error instanceof Error ? error.message : String(error) })
      continue
    }
    const methods = paths.get(template) ?? new Map<Method, Operation>()
    paths.set(template, methods.set(method, operation))
  }
  const api: Api = { paths, shape: (schema) => toShape(document, schema) }
  const routes: RouteSpec[] = []
  const shown = new Map<string, Representation>()
  for (const [path, methods] of paths) {
    const reading = toReading(api, path)
    if (reading.kind === 'shown') shown.set(path, { type: reading.type, kind: reading.shape?.kind ?? 'bytes' })
    for (const operation of methods.values()) routes.push(toRoute(api, operation, reading))
  }
  return { digest: document.digest, routes, shown, skipped }
}

interface Api {
  readonly paths: ReadonlyMap<string, ReadonlyMap<Method, Operation>>
  shape(schema: unknown): Shape
}

/** What a GET on a path shows. `shape` is null for bytes. */
type Reading =
  | { readonly kind: 'shown'; readonly type: string; readonly shape: Shape | null }
  | { readonly kind: 'hidden'; readonly reason: string }

function toReading({ paths, shape }: Api, path: string): Reading {
  const hidden = (reason: string): Reading => ({ kind: 'hidden', reason })
  const get = paths.get(path)?.get('GET')
  if (!get) return hidden(`the document has no GET ${path} that could read it beforehand`)
  const needs = neededBy(get)
  if (needs !== null) return hidden(`GET ${path} needs ${needs}, so it can not be read beforehand`)
  const pages = get.parameters.find((each) => each.in === 'query' && PAGING.test(each.name))
  if (pages) return hidden(`GET ${path} takes "${pages.name}": it lists, and may show a part only`)
  if (!isParameter(lastSegment(path)) && itemPaths(paths, path).length > 0) {
    return hidden(`${path} is a collection, and GET ${path} lists what is in it`)
  }
  const media = get.answers.get('200') ?? get.answers.get('2XX') ?? []
  const json = jsonOf(media)
  if (json) return { kind: 'shown', type: json.type, shape: shape(json.schema) }
  const [first] = media
  if (!first) return hidden(`the document does not say what GET ${path} answers`)
  return { kind: 'shown', type: first.type, shape: null }
}

function toRoute(api: Api, operation: Operation, reading: Reading): RouteSpec {
  const { method, template } = operation
  const base = { route: `${method} ${template}`, method, template, irreversible: false }
  if (READS.has(method))
    return { ...base, read: true, ...(method === 'GET' ? managedBy(api, template, reading) : { volatile: [] }) }
  const header = operation.parameters.find((each) => each.in === 'header' && /^idempotency-key$/i.test(each.name))
  const write = { ...base, read: false, volatile: [], ...(header && { idempotency: header.name.toLowerCase() }) }
  if (method === 'POST') return { ...write, ...toCreation(api, operation) }
  const needs = neededBy(operation)
  const unfit = needs === null ? null : `it needs ${needs}`
  if (method === 'DELETE') {
    const noUndo = reading.kind === 'hidden' ? reading.reason : whyGone(api, template, reading)
    return {
      ...write,
      ...(reading.kind === 'hidden' && { resource: null }),
      ...(unfit !== null && { unfit }),
      ...(noUndo !== null && { noUndo }),
    }
  }
  if (reading.kind === 'hidden') return { ...write, resource: null, noUndo: reading.reason }
  const written = toWriting(api, operation, reading)
  const problem = unfit ?? written.unfit
  return {
    ...write,
    ...(written.media !== null && { media: written.media }),
    ...(written.writable !== null && { writable: written.writable }),
    ...(written.unreadable.length > 0 && { unreadable: written.unreadable }),
    ...(method === 'PUT' && whyNotCreating(api, operation, reading, written) !== null && { creates: false }),
    ...(problem !== null && { unfit: problem }),
  }
}

/** The fields of a resource that its service sets. */
function managedBy(api: Api, path: string, reading: Reading): Pick<RouteSpec, 'volatile' | 'readOnly'> {
  if (reading.kind === 'hidden' || reading.shape === null) return { volatile: [] }
  const bodies = (['PUT', 'PATCH'] as const).flatMap((method) => {
    const media = jsonOf(api.paths.get(path)?.get(method)?.body?.media ?? [])
    return media ? [api.shape(media.schema)] : []
  })
  const leaves = [reading.shape, ...bodies].flatMap(leavesOf)
  const found = new Map(leaves.filter(({ shape }) => shape.readOnly).map((leaf) => [leaf.path, leaf]))
  // A flag such as `edited` is no time: that it was set stays to be seen, so it is compared.
  const changes = ({ keys, shape }: Leaf) =>
    !shape.types.has('boolean') && SELF_CHANGING.test((keys.at(-1) ?? '').replaceAll(/[^A-Za-z]/g, '').toLowerCase())
  const volatile = [...found.values()].filter(changes).map(({ path: each }) => each)
  const readOnly = [...found.values()].filter((leaf) => !changes(leaf)).map(({ path: each }) => each)
  return { volatile, ...(readOnly.length > 0 && { readOnly }) }
}

interface Writing {
  /** Media type of a body; null: any. */
  readonly media: string | null
  /** null: any field. */
  readonly writable: readonly string[] | null
  readonly unreadable: readonly string[]
  /** Why a resource can not be written back by this route; null: it can. */
  readonly unfit: string | null
}

/** How what a PUT or PATCH takes relates to what a GET shows. */
function toWriting({ shape }: Api, { method, body }: Operation, reading: Reading & { kind: 'shown' }): Writing {
  const unfit = (reason: string): Writing => ({ media: null, writable: null, unreadable: [], unfit: reason })
  const media = body?.media ?? []
  if (media.length === 0) return unfit('the document does not say what it takes')
  if (reading.shape === null) {
    if (method === 'PATCH') return unfit('what is there is not JSON, so no field of it can be written')
    if (media.some((each) => matchesType(each.type, reading.type))) return { ...unfit(''), unfit: null }
    return unfit(`it takes ${list(media.map(({ type }) => type))}, and GET shows ${reading.type}`)
  }
  const json = jsonOf(media)
  if (!json) {
    return unfit(
      media.some(({ type }) => isJsonPatch(type))
        ? 'it takes JSON Patch only'
        : `it takes ${list(media.map(({ type }) => type))}, and GET shows ${reading.type}`,
    )
  }
  const taken = shape(json.schema)
  if (taken.kind === 'unknown' || reading.shape.kind === 'unknown') {
    return unfit(`the document does not describe what ${taken.kind === 'unknown' ? 'it takes' : 'GET shows'}`)
  }
  if (!isCompatible(taken, reading.shape))
    return unfit(`it takes ${aKind(taken)}, and GET shows ${aKind(reading.shape)}`)
  if (method === 'PATCH' && taken.kind !== 'object') {
    return unfit(`it takes ${aKind(taken)}, and only fields of an object can be written back`)
  }
  const whole: Writing = { media: json.type, writable: null, unreadable: [], unfit: null }
  const [inner, there] = [innerOf(taken), innerOf(reading.shape)]
  if (inner.kind === 'scalar' || inner.kind === 'array') return whole
  if (inner.fields.size === 0 || there.fields.size === 0) {
    // A map of names to values: every field is one that was put there.
    if (inner.kind === 'object' && inner.fields.size === there.fields.size) return whole
    return unfit(`the document does not name the fields of what ${inner.fields.size === 0 ? 'it takes' : 'GET shows'}`)
  }
  const shown = reading.shape
  const fields = leavesOf(taken).filter((leaf) => {
    return !leaf.shape.readOnly && shapeAt(shown, leaf.keys)?.readOnly !== true
  })
  const hidden = fields.filter((leaf) => {
    const there = shapeAt(shown, leaf.keys)
    return leaf.shape.writeOnly || there === null || there.writeOnly || !isCompatible(leaf.shape, there)
  })
  // Named by what is missing as a whole.
  const unreadable = [
    ...new Set(
      hidden.map(({ keys }) => {
        const length = keys.findIndex((_, index) => shapeAt(shown, keys.slice(0, index + 1)) === null)
        return toPath(length < 0 ? keys : keys.slice(0, length + 1))
      }),
    ),
  ]
  const names = list(unreadable)
  const problem =
    hidden.length === fields.length
      ? `GET shows nothing as it is written (${names})`
      : unreadable.length > 0 && method === 'PUT'
        ? `it takes ${names}, which GET does not show in that form, so writing back would lose it`
        : null
  return {
    media: json.type,
    writable: inner.open ? null : fields.map(({ path }) => path),
    unreadable,
    unfit: problem,
  }
}

/** Why a PUT can not bring back what was deleted; null: it can. */
function whyNotCreating(
  api: Api,
  put: Operation,
  reading: Reading & { kind: 'shown' },
  written: Writing = toWriting(api, put, reading),
): string | null {
  const route = `PUT ${put.template}`
  if (!put.answers.has('201')) return `${route} replaces what is there: the document declares no 201 for it`
  const needs = neededBy(put)
  if (needs !== null) return `${route} needs ${needs}`
  if (written.unfit !== null) return `${route} can not: ${written.unfit}`
  if (written.writable === null || reading.shape === null) return null
  const { writable } = written
  const lost = leavesOf(reading.shape).filter(
    ({ path, shape }) =>
      !shape.readOnly && !writable.some((each) => `${path}.`.startsWith(`${each}.`) || each.startsWith(`${path}.`)),
  )
  return lost.length === 0 ? null : `${route} does not take ${list(lost.map(({ path }) => path))}, which GET shows`
}

/** Why a DELETE is not undone by a PUT, where there is more to say than that there is none. */
function whyGone(api: Api, path: string, reading: Reading & { kind: 'shown' }): string | null {
  const put = api.paths.get(path)?.get('PUT')
  const why = put ? whyNotCreating(api, put, reading) : null
  return why === null ? null : `${path} would be gone, and ${why}`
}

/** What a POST creates, and the DELETE that removes it. */
function toCreation(api: Api, operation: Operation): Pick<RouteSpec, 'resource' | 'undo' | 'noUndo'> {
  const { template, answers } = operation
  const name = `POST ${template}`
  const [item, ...others] = itemPaths(api.paths, template).filter((path) => {
    const methods = api.paths.get(path)
    return methods?.has('GET') || methods?.has('DELETE')
  })
  if (item === undefined || others.length > 0) {
    return {
      noUndo: `the document does not show what ${name} changes, or what takes it back; declare "undo" for it, or "read" where it changes nothing`,
    }
  }
  const methods = api.paths.get(item)
  const status = ['201', '200'].find((each) => answers.has(each))
  const json = jsonOf(answers.get(status ?? '') ?? [])
  if (status === undefined || !json) {
    return { noUndo: `the document does not show what ${name} answers, so what it created can not be told` }
  }
  const parameter = lastSegment(item).slice(1, -1)
  const operations = [...(methods?.values() ?? [])]
  const type = operations
    .flatMap((each) => each.parameters)
    .find((each) => each.in === 'path' && each.name === parameter)
  const field = identityField({
    answer: api.shape(json.schema),
    parameter,
    type: api.shape(type?.schema),
    collection: template.split('/').findLast((each) => each !== '' && !each.includes('{')) ?? '',
  })
  if (field === null) {
    return { noUndo: `the answer of ${name} shows no field that could be {${parameter}} of ${item}` }
  }
  const path = item.replace(/\{[^{}]+\}(?=\/?$)/, `{response.${field}}`)
  const reading = toReading(api, item)
  const found = { ...(reading.kind === 'shown' && { resource: path }) }
  const remove = methods?.get('DELETE')
  if (!remove) return { ...found, noUndo: `the document has no DELETE ${item} that could remove what ${name} creates` }
  const needs = neededBy(remove)
  if (needs !== null) return { ...found, noUndo: `DELETE ${item} needs ${needs}, which is not known` }
  if (status !== '201') {
    return {
      ...found,
      noUndo: `${name} answers 200, which does not prove that it created what DELETE ${item} would remove`,
    }
  }
  return { ...found, undo: { method: 'DELETE', template: path, created: true } }
}

/** What a request must hold that undo does not know; null: nothing. */
function neededBy({ method, parameters, body }: Operation): string | null {
  const needed = parameters.filter(
    (each) => each.required && each.in !== 'path' && !(each.in === 'header' && SENT.has(each.name.toLowerCase())),
  )
  const names = needed.map((each) => `the ${each.in === 'query' ? 'query parameter' : each.in} "${each.name}"`)
  if (body?.required && (method === 'GET' || method === 'DELETE')) names.push('a body')
  return names.length === 0 ? null : list(names)
}

/** Paths one parameter below a path: where what is in a collection is. */
function itemPaths(paths: Api['paths'], path: string): string[] {
  const base = path.replace(/\/$/, '')
  return [...paths.keys()].filter((each) => {
    const last = lastSegment(each)
    return isParameter(last) && each.replace(/\/$/, '') === `${base}/${last}`
  })
}

const lastSegment = (path: string): string => path.replace(/\/$/, '').split('/').at(-1) ?? ''
const isParameter = (segment: string): boolean => /^\{[^{}]+\}$/.test(segment)

const isJsonPatch = (type: string): boolean => type === 'application/json-patch+json'

/** The JSON among media types, plain JSON first. */
function jsonOf(media: readonly Media[]): Media | null {
  const usable = media.filter(({ type }) => /[/+]json$/.test(type) && !isJsonPatch(type))
  return usable.find(({ type }) => type === 'application/json') ?? usable[0] ?? null
}

function matchesType(range: string, type: string): boolean {
  return range === '*/*' || range === type || (range.endsWith('/*') && type.startsWith(range.slice(0, -1)))
}

const KINDS = { object: 'an object', array: 'a list', scalar: 'a single value', unknown: 'something' } as const
const aKind = (shape: Shape): string => KINDS[shape.kind]

/** `a, b and 3 more`. */
function list(names: readonly string[]): string {
  return names.slice(0, 3).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '')
}
