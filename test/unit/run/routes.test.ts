import { describe, expect, it } from 'vitest'
import type { Method, RouteSpec } from '../../../src/run/agent.ts'
import { parseJson } from '../../../src/run/json.ts'
import { canonicalTarget, fillTemplate, matchRoute, resourceOf } from '../../../src/run/routes.ts'

const connector = (...routes: string[]) => ({
  name: 'c',
  kind: 'http' as const,
  url: 'http://c.example.com',
  host: 'c.example.com',
  port: 80,
  routes: routes.map((route): RouteSpec => {
    const [method, template] = route.split(' ') as [Method, string]
    return { route, method, template, read: method === 'GET', volatile: [], irreversible: false }
  }),
})

describe('canonicalTarget', () => {
  it.each([
    ['/', '/'],
    ['/a/b?x=1&y=a%2fb', '/a/b?x=1&y=a%2Fb'],
    ['/caf%c3%a9', '/caf%C3%A9'],
    ["/a:b@c,d=e+f!$&'()*", "/a:b@c,d=e+f!$&'()*"],
    ['/a/?', '/a/?'],
    ['/a?from=2026-01-01..2026-02-01&q=a//b;c&list[]=1', '/a?from=2026-01-01..2026-02-01&q=a//b;c&list[]=1'],
    ['/a.b/..c/d...', '/a.b/..c/d...'],
  ])('keeps %s', (raw, target) => {
    expect(canonicalTarget(raw)).toMatchObject({ ok: true, target })
  })
  it.each([
    '',
    'a',
    '*',
    'http://c.example.com/a',
    'c.example.com:80',
    '//c/a',
    '/a//b',
    '/./a',
    '/a/..',
    '/a/%2e%2e/b',
    '/a/%2E',
    '/a/.%2e/b',
    '/%72eset',
    '/a%2fb',
    '/a%5cb',
    '/a\\b',
    '/a;b=1',
    '/a%00',
    '/a%0d%0aX: 1',
    '/a\r\nX: 1',
    '/a b',
    '/ä',
    '/a%',
    '/a%4',
    '/a%zz',
    '/a%ff',
    '/a%252e%252e',
    '/a#b',
    '/a?b#c',
    '/a?b=%41',
    '/a?b=\\',
    '/a?b="',
    '/{id}',
    '/a|b',
    `/${'a'.repeat(9000)}`,
  ])('refuses %s', (raw) => {
    expect(canonicalTarget(raw)).toEqual({ ok: false, reason: expect.any(String) })
  })
})

describe('matchRoute', () => {
  const routes = connector('GET /a/{x}', 'GET /a/me', 'GET /{y}/me', 'GET /a/{x}:copy', 'POST /a', 'GET /a/{x}/b/{z}')
  it.each([
    ['GET', '/a/1', 'GET /a/{x}', { x: '1' }],
    ['GET', '/a/me', 'GET /a/me', {}],
    ['GET', '/b/me', 'GET /{y}/me', { y: 'b' }],
    ['GET', '/a/1:copy', 'GET /a/{x}:copy', { x: '1' }],
    ['GET', '/a/:copy', 'GET /a/{x}', { x: ':copy' }],
    ['GET', '/a/caf%C3%A9/b/2', 'GET /a/{x}/b/{z}', { x: 'caf%C3%A9', z: '2' }],
    ['HEAD', '/a/1', 'GET /a/{x}', { x: '1' }],
  ] as const)('%s %s is %s', (method, path, route, params) => {
    expect(matchRoute(routes, method, path)).toMatchObject({ route: { route }, params })
  })
  it.each([
    ['POST', '/a/1'],
    ['GET', '/a/'],
    ['GET', '/A/1'],
    ['GET', '/a/1/'],
    ['GET', '/a'],
  ] as const)('%s %s is not declared', (method, path) => {
    expect(matchRoute(routes, method, path)).toBeNull()
  })
})

describe('fillTemplate', () => {
  const fill = (template: string, response: string, params = {}) =>
    fillTemplate(template, { params, response: parseJson(response) })

  it('fills from path and answer, every value one segment', () => {
    expect(fill('/a/{x}/b/{response.data.id}', '{"data":{"id":9007199254740993}}', { x: 'caf%C3%A9' })).toEqual({
      ok: true,
      path: '/a/caf%C3%A9/b/9007199254740993',
    })
    expect(fill('/a/{response.id}', '{"id":"a b?c#d;e%x:@"}')).toEqual({
      ok: true,
      path: '/a/a%20b%3Fc%23d%3Be%25x:@',
    })
  })
  it.each(['"../b"', '".."', '"."', '""', '"a/b"', '"a\\\\b"', '"a\\u0000"', 'null', 'true', '{}', '[1]'])(
    'refuses the value %s',
    (value) => {
      expect(fill('/a/{response.id}', `{"id":${value}}`)).toMatchObject({ ok: false })
    },
  )
  it('refuses what is not there, own fields only', () => {
    expect(fill('/a/{response.id}', '{}')).toMatchObject({
      ok: false,
      reason: expect.stringContaining('{response.id}'),
    })
    expect(fill('/a/{response.toString}', '{}')).toMatchObject({ ok: false })
    expect(fill('/a/{constructor}', '{}')).toMatchObject({ ok: false })
  })
})

it('knows the resource of a request: declared, by its path, or only after the answer', () => {
  const declared = connector('POST /a', 'POST /a/{x}/close').routes.map((route, index) => ({
    ...route,
    resource: index === 0 ? '/a/{response.id}' : '/a/{x}',
  }))
  const of = (method: Method, path: string, response?: string) =>
    resourceOf({
      method,
      path,
      match: matchRoute({ ...connector(), routes: declared }, method, path),
      response: response === undefined ? undefined : parseJson(response),
    })
  expect(of('POST', '/a')).toBeNull()
  expect(of('POST', '/a', '{"id":7}')).toBe('/a/7')
  expect(of('POST', '/a/3/close')).toBe('/a/3')
  expect(of('PUT', '/b/1')).toBe('/b/1')
  expect(of('POST', '/b')).toBeNull()
})
