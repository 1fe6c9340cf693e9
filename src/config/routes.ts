import { z } from 'zod'
import type { Method, RouteSpec } from '../run/agent.ts'
import { suggest } from './nearest.ts'

/** Routes of a connector as the config writes them: `'PATCH /events/{id}': { … }`. */

export const METHODS: readonly Method[] = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE']
const READS: ReadonlySet<Method> = new Set<Method>(['GET', 'HEAD', 'OPTIONS'])

export const PermissionName = z.enum(['allow', 'hold', 'ask', 'deny'])

const fields = z.array(z.string().min(1))

export const RouteOptions = z.strictObject({
  /** Strictest with the agent's own. Default: the agent's `effects` permission. */
  permission: PermissionName.optional(),
  /** Declared inverse call, e.g. `DELETE /invites/{response.id}`. */
  undo: z.string().optional(),
  /** True: the route changes nothing. Default: true for GET, HEAD and OPTIONS. */
  read: z.boolean().optional(),
  /** Path of what the route changes, e.g. `/events/{response.id}`. Default: the request path for PUT, PATCH and DELETE. */
  resource: z.string().optional(),
  /** Fields that change by themselves, dotted: never compared, never written back. */
  volatile: fields.optional(),
  /** Fields that only the service sets, dotted: compared, never written back. */
  readOnly: fields.optional(),
  /** Fields that a body of this route may hold, dotted: an undo by it writes no others. Default: any. */
  writable: fields.optional(),
  /** False: this PUT replaces what is there and does not create. Default: true. */
  creates: z.boolean().optional(),
  /** Header that takes a key under which the service performs a request once, e.g. `Idempotency-Key`. */
  idempotency: z
    .string()
    .regex(/^[A-Za-z0-9-]+$/, 'is not a header name')
    .optional(),
  /** True: nothing undoes this, whatever the method says. */
  irreversible: z.boolean().optional(),
  /** What code is answered while the effect is held. Default: 202 with the request's object and a `held-` id. */
  standIn: z.strictObject({ status: z.number().int().min(200).max(299).default(202), body: z.unknown() }).optional(),
})
export type RouteOptions = z.output<typeof RouteOptions>

const LITERAL = /^[A-Za-z0-9._~!$&'()*+,=:@-]+$/
const PARAMETER = /^([^{}]*)\{([A-Za-z_][A-Za-z0-9_]*)\}([^{}]*)$/
const PLACEHOLDER = /\{([^{}]*)\}/g

/** Reads one declared route. @throws Error with everything wrong about it, when it cannot be used. */
export function parseRoute(route: string, options: RouteOptions): RouteSpec {
  const { method, template } = splitRoute(route)
  const parameters = checkTemplate(template)
  const read = options.read ?? READS.has(method)
  if (read && options.undo !== undefined) throw new Error('it is a read: there is nothing to undo; leave out "undo"')
  if (read && options.permission !== undefined && options.permission !== 'allow' && options.permission !== 'deny') {
    throw new Error(`it is a read: only "allow" and "deny" mean something, not "${options.permission}"`)
  }
  if (options.irreversible && options.undo !== undefined) {
    throw new Error('it says both how to undo it and that nothing can; leave out "undo" or "irreversible"')
  }
  if (options.creates !== undefined && method !== 'PUT') throw new Error('"creates" is about PUT only; leave it out')
  const undo = options.undo === undefined ? undefined : splitRoute(options.undo, 'undo')
  if (undo) checkPlaceholders('undo', undo.template, parameters)
  if (options.resource !== undefined) {
    if (!options.resource.startsWith('/'))
      throw new Error(`resource "${options.resource}" must be a path: start it with /`)
    checkPlaceholders('resource', options.resource, parameters)
  }
  return {
    route: `${method} ${template}`,
    method,
    template,
    read,
    ...(options.permission !== undefined && { permission: options.permission }),
    ...(options.resource !== undefined && { resource: options.resource }),
    ...(undo && { undo }),
    volatile: options.volatile ?? [],
    ...(options.readOnly && { readOnly: options.readOnly }),
    ...(options.writable && { writable: options.writable }),
    ...(options.creates !== undefined && { creates: options.creates }),
    ...(options.idempotency !== undefined && { idempotency: options.idempotency.toLowerCase() }),
    irreversible: options.irreversible ?? false,
    ...(options.standIn && { standIn: { status: options.standIn.status, body: options.standIn.body } }),
  }
}

/** The same for two routes that match the same requests. */
export function toShape(route: RouteSpec): string {
  return `${route.method} ${route.template.replaceAll(PLACEHOLDER, '{}')}`
}

function splitRoute(text: string, what?: string): { method: Method; template: string } {
  const [word = '', template, ...rest] = text.split(' ')
  const prefix = what ? `${what} "${text}" ` : ''
  if (template === undefined || rest.length > 0 || !template.startsWith('/')) {
    throw new Error(`${prefix}must be a method, one space and a path, such as "PATCH /events/{id}"`)
  }
  const method = METHODS.find((known) => known === word)
  if (!method) throw new Error(`${prefix}has the unknown method "${word}"${suggest(word, METHODS)}`)
  return { method, template }
}

function checkTemplate(template: string): Set<string> {
  const parameters = new Set<string>()
  if (template === '/') return parameters
  // A final slash is part of the path: to many services the path without it is another one.
  for (const segment of template.slice(1).replace(/\/$/, '').split('/')) {
    const [, before = '', parameter, after = ''] = PARAMETER.exec(segment) ?? []
    if (parameter !== undefined && parameters.has(parameter)) {
      throw new Error(`{${parameter}} appears twice; give each its own name`)
    }
    if (parameter !== undefined) parameters.add(parameter)
    const text = parameter === undefined ? segment : before + after
    if (segment === '') throw new Error('the path has an empty segment; leave out the doubled /')
    if (segment === '.' || segment === '..' || (text !== '' && !LITERAL.test(text))) {
      throw new Error(
        `the segment "${segment}" is not plain text with at most one {name} in it; a route has neither query nor escapes`,
      )
    }
  }
  return parameters
}

function checkPlaceholders(what: string, template: string, parameters: ReadonlySet<string>): void {
  const bare = template.replaceAll(PLACEHOLDER, '')
  if (/[{}]/.test(bare)) throw new Error(`${what} "${template}" has an unmatched brace`)
  if (/[\s#\\]/.test(bare)) throw new Error(`${what} "${template}" has a character that a path cannot hold`)
  for (const [, name = ''] of template.matchAll(PLACEHOLDER)) {
    if (parameters.has(name) || /^response(\.[^.]+)+$/.test(name)) continue
    throw new Error(
      `${what} "${template}" uses {${name}}, which is neither in the path nor a field of the answer${suggest(name, [...parameters, 'response.id'])}`,
    )
  }
}
