import type { RouteSpec } from '../../run/agent.ts'
import { parseRoute, toShape } from '../routes.ts'
import type { RouteOptions } from '../routes.ts'

/**
 * The routes of a connector: those of its document, each with what the config declares about it put over it field by
 * field, then those that only the config declares.
 * @throws Error for a declared route that `parseRoute` refuses.
 */
export function mergeRoutes(
  derived: readonly RouteSpec[],
  declared: Readonly<Record<string, RouteOptions>>,
): RouteSpec[] {
  const byShape = new Map(
    Object.entries(declared).map(([route, options]) => {
      const spec = parseRoute(route, options)
      return [toShape(spec), { spec, options }]
    }),
  )
  const merged = derived.map((spec) => {
    const over = byShape.get(toShape(spec))
    byShape.delete(toShape(spec))
    return over ? merge(spec, over.spec, over.options) : spec
  })
  return [...merged, ...[...byShape.values()].map(({ spec }) => spec)]
}

function merge(derived: RouteSpec, declared: RouteSpec, options: RouteOptions): RouteSpec {
  // What is declared is a read, or can not be undone: nothing that was derived about undoing it holds.
  if (options.read === true || options.irreversible === true) return declared
  const { undo, noUndo, resource, unfit, unreadable, ...rest } = renamed(derived, declared)
  const own = Object.entries(declared).filter(([name]) => options[name as keyof RouteOptions] !== undefined)
  return {
    ...rest,
    ...(resource !== undefined && { resource }),
    ...(undo && { undo }),
    ...(noUndo !== undefined && options.resource === undefined && { noUndo }),
    // Whoever says which fields it takes knows that it can write them back.
    ...(unfit !== undefined && !options.writable && { unfit }),
    ...(unreadable && !options.writable && { unreadable }),
    ...Object.fromEntries(own),
  }
}

/** With the names that the declared route gives its parameters: what is declared uses them. */
function renamed(derived: RouteSpec, declared: RouteSpec): RouteSpec {
  const names = (template: string) => [...template.matchAll(/\{([^{}]+)\}/g)].map(([, name = '']) => name)
  const given = names(declared.template)
  const byName = new Map(names(derived.template).map((name, index) => [name, given[index] ?? name]))
  const rename = (template: string) =>
    template.replaceAll(/\{([^{}]+)\}/g, (_, name: string) => `{${byName.get(name) ?? name}}`)
  return {
    ...derived,
    route: declared.route,
    template: declared.template,
    ...(typeof derived.resource === 'string' && { resource: rename(derived.resource) }),
    ...(derived.undo && { undo: { ...derived.undo, template: rename(derived.undo.template) } }),
  }
}
