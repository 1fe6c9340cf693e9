import { describe, expect, it } from 'vitest'
import type { Method } from '../../../src/run/agent.ts'
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
  { routes = CRUD, path = '/events/1', type = 'application/json' } = {},
) {
  const connector = toConnector(routes)
  const declared = matchRoute(connector, method, path)?.route ?? null
  const request = {
    connector: 'calendar',
    method,
    target: path,
    route: declared?.route ?? null,
    headers: { 'content-type': type },
    body: method === 'DELETE' ? null : stored('{"a":2}'),
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

  it('takes a declared undo, which it does not expect to be exact', () => {
    const compensation = choose('POST', null, { path: '/events' })
    expect(compensation).toEqual({ kind: 'inverse', method: 'DELETE', template: '/events/{response.id}' })
    expect(isExact(compensation)).toBe(false)
  })
})

describe('changedFields', () => {
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
