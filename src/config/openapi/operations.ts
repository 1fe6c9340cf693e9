import { z } from 'zod'
import type { Method } from '../../run/agent.ts'
import { METHODS } from '../routes.ts'
import { Servers } from './document.ts'
import type { OpenApiDocument, Server } from './document.ts'
import { OpenApiError } from './error.ts'
import { follow, isObject } from './references.ts'

/** A media type that a body may have, and the schema it has then. */
export interface Media {
  readonly type: string
  readonly schema: unknown
}

export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly schema: unknown
}

/** One path and method of a document, references followed, as far as routes are about it. */
export interface Operation {
  readonly method: Method
  /** With the server's path before it, and parameters named as routes can name them. */
  readonly template: string
  readonly parameters: readonly Parameter[]
  readonly body: { readonly required: boolean; readonly media: readonly Media[] } | null
  /** By status, as the document writes it. */
  readonly answers: ReadonlyMap<string, readonly Media[]>
}

const ParameterShape = z.looseObject({
  name: z.string(),
  in: z.string(),
  required: z.boolean().default(false),
  schema: z.unknown().optional(),
})
const PathItem = z.looseObject({ parameters: z.array(z.unknown()).default([]), servers: Servers.optional() })
const OperationShape = z.looseObject({
  parameters: z.array(z.unknown()).default([]),
  servers: Servers.optional(),
  requestBody: z.unknown().optional(),
  responses: z.record(z.string(), z.unknown()).default({}),
})
const Body = z.looseObject({
  required: z.boolean().default(false),
  content: z.record(z.string(), z.unknown()).default({}),
})

/**
 * The operations of a document, in its order.
 * @param hosts Of the connector: which of several servers is meant.
 * @throws OpenApiError for parts that are not what OpenAPI says.
 */
export function operationsOf(document: OpenApiDocument, hosts: readonly string[]): Operation[] {
  const { file, root } = document
  const operations: Operation[] = []
  const read = <T>(schema: z.ZodType<T>, value: unknown, place: string): T => {
    const parsed = schema.safeParse(follow(root, value).value ?? {})
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    throw new OpenApiError(`${file}: ${[place, ...(issue?.path ?? [])].join('.')}: ${issue?.message ?? 'is not valid'}`)
  }
  const mediaOf = (content: Readonly<Record<string, unknown>>): Media[] =>
    Object.entries(content).map(([type, value]) => {
      const media = follow(root, value).value
      return {
        type: (type.split(';', 1)[0] ?? type).trim().toLowerCase(),
        schema: isObject(media) ? media['schema'] : undefined,
      }
    })

  for (const [path, value] of Object.entries(root.paths)) {
    if (path.startsWith('x-')) continue
    if (!path.startsWith('/')) throw new OpenApiError(`${file}: paths["${path}"]: a path starts with /`)
    const at = `paths["${path}"]`
    const item = read(PathItem, value, at)
    for (const method of METHODS) {
      const key = method.toLowerCase()
      if (!Object.hasOwn(item, key)) continue
      const place = `${at}.${key}`
      const operation = read(OperationShape, item[key], place)
      const parameters = new Map<string, Parameter>()
      for (const [index, each] of [...item.parameters, ...operation.parameters].entries()) {
        const parameter = read(ParameterShape, each, `${place}.parameters.${index}`)
        parameters.set(`${parameter.in} ${parameter.name}`, { ...parameter, schema: parameter.schema })
      }
      const body =
        operation.requestBody === undefined ? null : read(Body, operation.requestBody, `${place}.requestBody`)
      const answers = new Map<string, Media[]>()
      for (const [status, each] of Object.entries(operation.responses)) {
        if (status.startsWith('x-')) continue
        answers.set(status.toUpperCase(), mediaOf(read(Body, each, `${place}.responses.${status}`).content))
      }
      const servers = operation.servers ?? item.servers ?? root.servers ?? []
      operations.push({
        method,
        template: toTemplate(`${toBasePath(document, servers, hosts, place)}${path}`),
        parameters: [...parameters.values()].map((each) => ({
          ...each,
          name: each.in === 'path' ? toName(each.name) : each.name,
        })),
        body: body && { required: body.required, media: mediaOf(body.content) },
        answers,
      })
    }
  }
  return operations
}

/** Names that routes know: letters, digits and underscores. */
function toTemplate(path: string): string {
  return path.replaceAll(/\{([^{}]*)\}/g, (_, name: string) => `{${toName(name)}}`)
}

function toName(name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9_]/g, '_')
  return /^[A-Za-z_]/.test(plain) ? plain : `_${plain}`
}

/** The path of the server that is meant: a connector's own address has none. */
function toBasePath(
  { file }: OpenApiDocument,
  servers: readonly Server[],
  hosts: readonly string[],
  place: string,
): string {
  const urls = servers.map(({ url, variables = {} }) => {
    const filled = url.replaceAll(/\{([^{}]*)\}/g, (whole, name: string) => variables[name]?.default ?? whole)
    const parsed = URL.parse(filled, 'http://relative.invalid')
    if (!parsed) throw new OpenApiError(`${file}: the server "${url}" of ${place} is not an address`)
    return { host: parsed.host, path: decodeURI(parsed.pathname).replace(/\/+$/, '') }
  })
  const meant = urls.filter(({ host }) => hosts.includes(host))
  const paths = new Set((meant.length > 0 ? meant : urls).map(({ path }) => path))
  if (paths.size <= 1) return [...paths][0] ?? ''
  throw new OpenApiError(
    `${file} names servers with different paths for ${place} (${[...paths].map((path) => path || '/').join(', ')}), so where its routes are is not clear; keep one server in a copy`,
  )
}
