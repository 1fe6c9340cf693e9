import { describe, expect, it } from 'vitest'
import { parseRoute } from '../../../src/config/routes.ts'

describe('parseRoute', () => {
  it('knows reads by their method', () => {
    expect(parseRoute('GET /events/{id}', {})).toEqual({
      route: 'GET /events/{id}',
      method: 'GET',
      template: '/events/{id}',
      read: true,
      volatile: [],
      irreversible: false,
    })
    expect(parseRoute('POST /events', {}).read).toBe(false)
    expect(parseRoute('POST /search', { read: true }).read).toBe(true)
  })

  it('keeps everything that is declared', () => {
    const options = {
      permission: 'hold' as const,
      undo: 'DELETE /invites/{response.invite.id}?notify=false',
      resource: '/calendars/{calendar}/invites/{response.id}',
      volatile: ['updatedAt'],
      standIn: { status: 202, body: { id: 'held' } },
    }
    expect(parseRoute('POST /calendars/{calendar}/invites', options)).toMatchObject({
      ...options,
      undo: { method: 'DELETE', template: '/invites/{response.invite.id}?notify=false' },
    })
  })

  it.each([
    ['/', {}],
    ['/events/', {}],
    ['/files/{name}.json', {}],
    ['/v1/drive:copy', {}],
  ])('takes %s', (path) => expect(parseRoute(`GET ${path}`, {}).template).toBe(path))

  it.each<[string, Parameters<typeof parseRoute>[1], RegExp]>([
    ['/events', {}, /must be a method, one space and a path/],
    ['GET  /events', {}, /must be a method, one space and a path/],
    ['GET events', {}, /must be a method, one space and a path/],
    ['get /events', {}, /unknown method "get"; did you mean "GET"\?/],
    ['GET /events//', {}, /empty segment/],
    ['GET //', {}, /empty segment/],
    ['GET //events', {}, /empty segment/],
    ['GET /a/../b', {}, /segment "\.\."/],
    ['GET /a?b=c', {}, /neither query nor escapes/],
    ['GET /a%2fb', {}, /neither query nor escapes/],
    ['GET /a;b', {}, /neither query nor escapes/],
    ['GET /{a}{b}', {}, /at most one \{name\}/],
    ['GET /{a}/{a}', {}, /\{a\} appears twice/],
    ['GET /{}', {}, /at most one \{name\}/],
    ['POST /a', { undo: 'DELETE /a/{id}' }, /uses \{id\}, which is neither in the path nor a field of the answer/],
    ['POST /a', { undo: '/a/{response.id}' }, /undo "\/a\/\{response\.id\}" must be a method, one space and a path/],
    ['POST /a', { undo: 'DELETE /a/{response.id' }, /unmatched brace/],
    ['POST /a', { resource: 'a/{response.id}' }, /must be a path/],
    ['POST /a', { resource: '/a/{respnse.id}' }, /did you mean "response\.id"\?/],
    ['GET /a', { undo: 'DELETE /a' }, /nothing to undo/],
    ['POST /a', { creates: true }, /"creates" is about PUT only/],
    ['GET /a', { permission: 'hold' }, /only "allow" and "deny"/],
    ['POST /a', { undo: 'DELETE /a', irreversible: true }, /both how to undo it and that nothing can/],
  ])('refuses %s %j', (route, options, message) => expect(() => parseRoute(route, options)).toThrow(message))
})
