import type { ConnectorSnapshot, RouteSpec } from '../../run/agent.ts'
import { chooseCompensation } from '../../run/compensation.ts'
import type { Compensation, Reading } from '../../run/effect.ts'
import { resourceOf, volatileOf } from '../../run/routes.ts'
import type { DerivedRoutes, Representation } from './derive.ts'

/** How an effect on a route is undone, as far as its document shows. */
export const UNDO_CLASSES = ['exact', 'inverse', 'generated', 'none'] as const
export type UndoClass = (typeof UNDO_CLASSES)[number]

export interface RouteCoverage {
  readonly route: string
  /**
   * `exact`: the resource is written back and read back. `inverse`: a call takes it back. `generated`: none is known to,
   * and other routes on the same resource might. `none`: nothing in the document could.
   */
  readonly undo: 'read' | UndoClass
  readonly reason: string
}

export interface Coverage {
  readonly routes: readonly RouteCoverage[]
  /** Routes that change nothing. */
  readonly reads: number
  /** Routes that change something. */
  readonly writes: number
  readonly counts: Readonly<Record<UndoClass, number>>
  /** Of the routes that change something, rounded. */
  readonly percent: Readonly<Record<UndoClass, number>>
}

/** Asks for each route what a run would ask before sending an effect on it, of what reading would show beforehand. */
export function toCoverage(derived: DerivedRoutes): Coverage {
  const connector: ConnectorSnapshot = {
    name: 'the document',
    kind: 'http',
    url: 'http://document.invalid',
    host: 'document.invalid',
    port: 80,
    routes: derived.routes,
  }
  const routes = [
    ...derived.routes.map((route): RouteCoverage => ({ route: route.route, ...cover(connector, derived, route) })),
    ...derived.skipped.map(({ route, reason }): RouteCoverage => {
      return { route, undo: 'none', reason: `it can not be a route, so requests on it are undeclared: ${reason}` }
    }),
  ]
  const writes = routes.filter(({ undo }) => undo !== 'read').length
  const count = (undo: UndoClass) => routes.filter((each) => each.undo === undo).length
  const byClass = (value: (undo: UndoClass) => number) =>
    Object.fromEntries(UNDO_CLASSES.map((undo) => [undo, value(undo)])) as Record<UndoClass, number>
  return {
    routes,
    reads: routes.length - writes,
    writes,
    counts: byClass(count),
    percent: byClass((undo) => (writes === 0 ? 0 : Math.round((100 * count(undo)) / writes))),
  }
}

function cover(connector: ConnectorSnapshot, derived: DerivedRoutes, route: RouteSpec): Omit<RouteCoverage, 'route'> {
  if (route.read) return { undo: 'read', reason: `the document describes it as ${route.method}` }
  const usual = choose(connector, derived, route, 'present')
  // A PUT that creates does so as usually as it replaces.
  const creating = route.method === 'PUT' && route.creates !== false && route.resource !== null
  const compensation = creating ? worse(usual, choose(connector, derived, route, 'absent')) : usual
  switch (compensation.kind) {
    case 'restore':
      return {
        undo: 'exact',
        reason: `${restoring(compensation.method, route, creating)}${asides(connector, derived, route)}`,
      }
    case 'inverse': {
      const where = compensation.created ? ' where the answer is 201' : ''
      const read = typeof route.resource === 'string' ? '' : '; it can not be read back'
      return { undo: 'inverse', reason: `${compensation.method} ${compensation.template} takes it back${where}${read}` }
    }
    case 'none': {
      const others = relatedWrites(derived.routes, route)
      if (others.length === 0) return { undo: 'none', reason: compensation.reason }
      return { undo: 'generated', reason: `${compensation.reason}; code could use ${list(others)}` }
    }
    case 'discard':
      throw new Error('nothing is held here')
  }
}

/** What a run would choose for an effect whose body sets what can be read, and whose resource was there, or was not. */
function choose(
  connector: ConnectorSnapshot,
  derived: DerivedRoutes,
  route: RouteSpec,
  state: 'present' | 'absent',
): Compensation {
  const { method, template } = route
  const type = route.media ?? 'application/json'
  // The template stands for a path: `{id}` matches itself and no literal part.
  const resource = resourceOf({ method, path: template, match: { route, params: {} } })
  const shown = resource === null ? undefined : derived.shown.get(resource)
  const before: Reading | null = !shown
    ? null
    : state === 'absent'
      ? { state }
      : { state, etag: null, body: toBody(shown) }
  const request = {
    connector: connector.name,
    method,
    target: template,
    route: route.route,
    headers: { 'content-type': type },
    body: method === 'DELETE' ? null : toBody({ type, kind: shown?.kind ?? 'object' }),
    resource,
  }
  return chooseCompensation({ connector, route, request, before })
}

function toBody({ type, kind }: Representation) {
  const text = kind === 'bytes' ? undefined : kind === 'array' ? '[]' : kind === 'scalar' ? '""' : '{}'
  return { digest: 'sha256:', size: 2, type, ...(text !== undefined && { text }) }
}

const worse = (a: Compensation, b: Compensation): Compensation => (b.kind === 'none' ? b : a)

function restoring(method: string, route: RouteSpec, creating: boolean): string {
  const path = route.template
  if (route.method === 'DELETE') return `${method} ${path} creates it again`
  const back = method === 'PATCH' ? `PATCH ${path} writes changed fields back` : `PUT ${path} writes it back`
  return creating ? `${back}; DELETE ${path} removes what it created` : back
}

/** What the word `exact` leaves out. */
function asides(connector: ConnectorSnapshot, { routes }: DerivedRoutes, route: RouteSpec): string {
  const volatile = volatileOf(connector, route, route.template)
  const below = routes.filter((each) => !each.read && each.template.startsWith(`${route.template.replace(/\/$/, '')}/`))
  return [
    ...(route.unreadable ? [`not where it sends ${list(route.unreadable)}, which can not be read beforehand`] : []),
    ...(volatile.length > 0 ? [`${list(volatile)} aside`] : []),
    ...(route.method === 'DELETE' && below.length > 0 ? ['what was below it is not brought back'] : []),
  ]
    .map((each) => `; ${each}`)
    .join('')
}

/**
 * Routes that might take back what a route does, nearest first: on the same path, one part above or below it, and beside
 * it where both act on one thing or belong to one family of calls (`tickets.close`).
 */
function relatedWrites(routes: readonly RouteSpec[], route: RouteSpec): string[] {
  // Writing a resource once more can only help where it was read beforehand.
  const again = (route.method === 'PUT' || route.method === 'PATCH') && route.resource !== null
  return routes
    .filter((each) => !each.read && (each.route !== route.route || again))
    .flatMap((each) => {
      const distance = distanceOf(each.template, route.template)
      return distance === null ? [] : [{ name: each.route, distance }]
    })
    .sort((a, b) => a.distance - b.distance)
    .map(({ name }) => name)
}

/** null: unrelated. */
function distanceOf(a: string, b: string): number | null {
  const [one, other] = [toSegments(a), toSegments(b)]
  const differs = one.findIndex((segment, index) => segment !== other[index])
  const shared = differs < 0 ? one.length : differs
  const [up, down] = [one.length - shared, other.length - shared]
  if (up + down <= 1) return up + down
  if (up !== 1 || down !== 1) return null
  const family = toFamily(one[shared])
  const together = /^\{[^{}]+\}$/.test(one[shared - 1] ?? '') || (family !== null && family === toFamily(other[shared]))
  return together ? 2 : null
}

const toSegments = (path: string): string[] => path.split('/').filter((each) => each !== '')
const toFamily = (segment: string | undefined): string | null => /^([^{}.:]+)[.:]/.exec(segment ?? '')?.[1] ?? null

/** `a, b and 3 more`. */
function list(names: readonly string[]): string {
  return names.slice(0, 3).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '')
}
