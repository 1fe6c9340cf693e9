import { describe, expect, it } from 'vitest'
import type { Method, RouteSpec } from '../../../src/run/agent.ts'
import { changedFields, chooseCompensation, isExact } from '../../../src/run/compensation.ts'
import type { Reading } from '../../../src/run/effect.ts'
import { parseJson } from '../../../src/run/json.ts'
import { matchRoute } from '../../../src/run/routes.ts'
import { CRUD, route, toConnector } from '../egress/harness.ts'

const stored = (text: string, type: string | null = 'application/json') => ({ digest: 'sha256:', size: 1, type, text })
const present = (text = '{"a":1}', type?: string): Reading => ({
  state: 'present',
  etag: null,
  body: stored(text, type),
})
const absent: Reading = { state: 'absent' }

function choose(
  method: Method,
  before: Reading | null,
  { routes = CRUD, path = '/events/1', type = 'application/json', body = stored('{"a":2}') } = {},
) {
  const connector = toConnector(routes)
  const declared = matchRoute(connector, method, path)?.route ?? null
  const request = {
    connector: 'calendar',
    method,
    target: path,
    route: declared?.route ?? null,
    headers: { 'content-type': type },
    body: method === 'DELETE' ? null : body,
    resource: method === 'POST' ? null : path,
  }
  return chooseCompensation({ connector, route: declared, request, before })
}
const without = (...methods: string[]) => ({ routes: CRUD.filter((each) => !methods.includes(each.method)) })

describe('chooseCompensation', () => {
  it.each([
    ['a PATCH by PATCH', choose('PATCH', present()), 'PATCH'],
    ['a PUT by PATCH, which touches less', choose('PUT', present()), 'PATCH'],
    ['a PATCH by PUT where no PATCH is declared', choose('PATCH', present(), without('PATCH')), 'PUT'],
    ['bytes by PUT', choose('PUT', present('BEGIN:', 'text/calendar')), 'PUT'],
    ['a list by PUT', choose('PUT', present('[1]')), 'PUT'],
    ['a JSON Patch by PUT', choose('PATCH', present(), { type: 'application/json-patch+json' }), 'PUT'],
    ['what a PUT created by DELETE', choose('PUT', absent), 'DELETE'],
    ['what a DELETE removed by PUT', choose('DELETE', present()), 'PUT'],
  ])('restores %s', (_, compensation, method) => {
    expect(compensation).toEqual({ kind: 'restore', method })
    expect(isExact(compensation)).toBe(true)
  })

  it.each([
    ['a POST without a declared undo', choose('POST', null, { path: '/mails' }), /declares no undo/],
    [
      'what could not be read',
      choose('PATCH', { state: 'unreadable', reason: 'GET answered 500' }),
      /GET answered 500/,
    ],
    ['what nothing can write back', choose('PATCH', present(), without('PATCH', 'PUT')), /no route is declared/],
    ['a created resource without DELETE', choose('PUT', absent, without('DELETE')), /no DELETE is declared/],
    ['a removed resource without PUT', choose('DELETE', present(), without('PUT')), /no PUT is declared/],
    [
      'a field of bytes without PUT',
      choose('PATCH', present('x', 'text/plain'), without('PUT')),
      /no route is declared/,
    ],
    [
      'what is declared irreversible',
      choose('PATCH', present(), {
        routes: [...without('PATCH').routes, route('PATCH /events/{id}', { irreversible: true })],
      }),
      /declared irreversible/,
    ],
  ])('has nothing for %s, and says why', (_, compensation, reason) => {
    expect(compensation).toEqual({ kind: 'none', reason: expect.stringMatching(reason) })
    expect(isExact(compensation)).toBe(false)
  })

  const put = (more: Partial<RouteSpec>) => ({
    routes: [...without('PUT', 'PATCH').routes, route('PUT /events/{id}', more)],
  })
  const patch = (more: Partial<RouteSpec>) => ({
    routes: [...without('PATCH').routes, route('PATCH /events/{id}', more)],
  })
  it.each([
    ['a PATCH by PUT where PATCH does not serve', choose('PATCH', present(), patch({ unfit: 'x' })), 'PUT'],
    ['a PATCH that sets nothing hidden', choose('PATCH', present(), patch({ unreadable: ['b', 'c.d'] })), 'PATCH'],
    [
      'a PUT by PUT where PATCH does not take what it takes',
      choose('PUT', present(), {
        routes: [...put({ writable: ['a', 'b.c'] }).routes, route('PATCH /events/{id}', { writable: ['b'] })],
      }),
      'PUT',
    ],
    [
      'a PUT by PATCH where that takes all of it',
      choose('PUT', present(), {
        routes: [...put({ writable: ['b.c'] }).routes, route('PATCH /events/{id}', { writable: ['a', 'b'] })],
      }),
      'PATCH',
    ],
    ['what a PUT created', choose('PUT', absent, put({ creates: true })), 'DELETE'],
  ])('restores %s', (_, compensation, method) => expect(compensation).toEqual({ kind: 'restore', method }))

  it.each([
    ['a PUT that only replaces, for a DELETE', choose('DELETE', present(), put({ creates: false })), /would be gone/],
    ['a PUT that does not serve, for a DELETE', choose('DELETE', present(), put({ unfit: 'x' })), /would be gone/],
    [
      'a PUT that does not serve',
      choose('PUT', present(), put({ unfit: 'it takes a form' })),
      /^no route is declared that could write \/events\/1 back as it was: PUT: it takes a form$/,
    ],
    [
      'a PUT over what can not be read',
      choose('PUT', present(), put({ unreadable: ['password'] })),
      /^PUT \/events\/\{id\} replaces password, which reading does not show in that form$/,
    ],
    [
      'a PATCH that sets what can not be read',
      choose('PATCH', present(), patch({ unreadable: ['a', 'b'] })),
      /^PATCH \/events\/\{id\} sets a, which reading does not show in that form$/,
    ],
    [
      'a resource that is known to be unreadable',
      choose('DELETE', null, { routes: [route('DELETE /events/{id}', { noUndo: 'it lists' })] }),
      /^it lists$/,
    ],
    [
      'a POST of which a document says nothing',
      choose('POST', null, { path: '/x', routes: [route('POST /x', { noUndo: 'not shown' })] }),
      /^not shown$/,
    ],
  ])('has nothing for %s', (_, compensation, reason) => {
    expect(compensation).toEqual({ kind: 'none', reason: expect.stringMatching(reason) })
  })

  it('looks into lists for what can not be read', () => {
    const routes = patch({ unreadable: ['parts.key'] })
    const body = stored('{"parts":[{"name":"x"},{"key":"k"}]}')
    expect(choose('PATCH', present(), { ...routes, body })).toMatchObject({ kind: 'none' })
    expect(choose('PATCH', present(), { ...routes, body: stored('{"parts":[{"name":"k"}]}') })).toMatchObject({
      kind: 'restore',
    })
  })

  it('does not look into a body that it does not have at hand', () => {
    const { routes } = patch({ unreadable: ['password'] })
    const request = {
      connector: 'calendar',
      method: 'PATCH' as const,
      target: '/events/1',
      route: 'PATCH /events/{id}',
      headers: {},
      body: { digest: 'sha256:', size: 5000, type: 'application/json' },
      resource: '/events/1',
    }
    const declared = routes.find((each) => each.method === 'PATCH') ?? null
    expect(chooseCompensation({ connector: toConnector(routes), route: declared, request, before: present() })).toEqual(
      {
        kind: 'none',
        reason: 'PATCH /events/{id} has a long body, which may set password, which reading does not show in that form',
      },
    )
  })

  it('takes a declared undo, which it does not expect to be exact', () => {
    const compensation = choose('POST', null, { path: '/events' })
    expect(compensation).toEqual({ kind: 'inverse', method: 'DELETE', template: '/events/{response.id}' })
    expect(isExact(compensation)).toBe(false)
  })
})

describe('changedFields', () => {
  it('never counts what only the service sets as asked for', () => {
    const images = { before: parseJson('{"id":1,"a":{"x":1,"y":1}}'), after: parseJson('{"id":2,"a":{"x":2,"y":2}}') }
    const body = parseJson('{"id":2,"a":{"x":2,"y":2}}')
    expect(changedFields({ method: 'PUT', ...images, body, volatile: [], readOnly: ['id', 'a.y'] })).toEqual({
      requested: ['a.x'],
      managed: ['id', 'a.y'],
    })
  })

  const changed = (method: Method, before: string, after: string, body: string | undefined) =>
    changedFields({
      method,
      before: parseJson(before),
      after: parseJson(after),
      body: body === undefined ? undefined : parseJson(body),
      volatile: ['at'],
    })
  it('tells what was asked for from what the service changed along with it', () => {
    expect(
      changed('PATCH', '{"a":{"x":1,"y":1},"v":1,"at":1}', '{"a":{"x":2,"y":1},"v":2,"at":2}', '{"a":{"x":2}}'),
    ).toEqual({
      requested: ['a.x'],
      managed: ['v'],
    })
  })
  it('counts what a PUT left out as asked for, and everything where the request says nothing', () => {
    expect(changed('PUT', '{"a":1,"b":1,"v":1}', '{"a":2,"v":2}', '{"a":2}')).toEqual({
      requested: ['a', 'b'],
      managed: ['v'],
    })
    expect(changed('POST', '{"a":1,"v":1}', '{"a":2,"v":2}', undefined)).toEqual({ requested: ['a', 'v'], managed: [] })
  })
})
