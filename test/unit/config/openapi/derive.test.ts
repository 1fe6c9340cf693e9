import { describe, expect, it } from 'vitest'
import { toRoutes } from '../../../../src/config/openapi/derive.ts'
import type { RouteSpec } from '../../../../src/run/agent.ts'
import { answers, documentOf, fixed, media, number, object, parameter, ref, takes, text } from './documents.ts'

/** What was derived about one route, beside what its name says. */
function derived(
  paths: Parameters<typeof documentOf>[0],
  route: string,
  ...more: [schemas?: object, version?: '3.0' | '3.1']
) {
  const [schemas = {}, version] = more
  const { routes } = toRoutes(documentOf(paths, { ...schemas }, version))
  const found = routes.find((each) => each.route === route)
  if (!found) throw new Error(`no ${route} in ${routes.map((each) => each.route).join(', ')}`)
  const { route: _, method: _method, template: _template, irreversible, ...rest } = found
  expect(irreversible).toBe(false)
  return rest
}
type Fields = Readonly<Record<string, unknown>>
const write = (more: Partial<RouteSpec>) => ({ read: false, volatile: [], ...more })

describe('what a POST creates', () => {
  /** POST to a collection whose items can be read and deleted. */
  const creating = (
    answer: unknown,
    more: { name?: string; type?: unknown; status?: number; remove?: object; collection?: string } = {},
  ) => {
    const { name = 'id', type = {}, status = 201, remove = { responses: { 204: {} } }, collection = '/tickets' } = more
    const item = {
      parameters: [parameter(name, 'path', type)],
      get: answers(200, object({ id: text })),
      delete: remove,
    }
    const paths = { [collection]: { post: answers(status, answer) }, [`${collection}/{${name}}`]: item }
    return derived(paths, `POST ${collection}`)
  }
  const undone = (path: string) => write({ resource: path, undo: { method: 'DELETE', template: path, created: true } })

  it.each<[string, Fields, Parameters<typeof creating>[1], string]>([
    ['the same name', { id: text, ticketId: text }, { name: 'ticketId' }, '{response.ticketId}'],
    ['the same name, written otherwise', { id: text, ticket_id: text }, { name: 'ticketId' }, '{response.ticket_id}'],
    ['id', { id: text, title: text }, { name: 'ticket' }, '{response.id}'],
    ['id', { id: text, owner_id: text }, { name: 'ticket_id' }, '{response.id}'],
    ['the word that the parameter ends with', { id: number, number }, { name: 'issue_number' }, '{response.number}'],
    [
      'the only one that names it',
      { ticketKey: text, title: text, ownerId: text },
      { name: 'ticket' },
      '{response.ticketKey}',
    ],
    [
      'what has the type of the parameter',
      { id: number, uuid: text },
      { name: 'ticket', type: text },
      '{response.uuid}',
    ],
    ['id within what the answer is wrapped in', { ok: number, data: object({ id: text }) }, {}, '{response.data.id}'],
    ['id within what the thing is called', { ticket: object({ id: text }) }, {}, '{response.ticket.id}'],
  ])('is told by %s: %o', (_, fields, more, found) => {
    expect(creating(object(fields), more)).toEqual(undone(`/tickets/${found}`))
  })

  it.each<[string, Fields, Parameters<typeof creating>[1]]>([
    ['a field that names something else', { ownerId: text, title: text }, { name: 'ticketId' }],
    ['two that name it', { key: text, number }, { name: 'ticket' }],
    ['an id that is not the name in the path', { id: text, name: text }, { name: 'username' }],
    ['an id of another type', { id: number }, { name: 'id', type: text }],
    ['an id of something else in the answer', { owner: object({ id: text }) }, {}],
    ['no fields', {}, {}],
  ])('is not guessed from %s', (_, fields, more = {}) => {
    const name = more.name ?? 'id'
    expect(creating(object(fields), more)).toEqual(
      write({ noUndo: `the answer of POST /tickets shows no field that could be {${name}} of /tickets/{${name}}` }),
    )
  })

  it('is not told by a field that only some answers have', () => {
    const answer = { oneOf: [object({ id: text }), object({ error: text })] }
    expect(creating(answer).noUndo).toContain('shows no field')
    expect(creating({ oneOf: [object({ id: text, a: text }), object({ id: text })] })).toEqual(
      undone('/tickets/{response.id}'),
    )
  })

  it('keeps what is above it in its path, and final slashes', () => {
    expect(creating(object({ id: text }), { collection: '/p/{project}/tickets' })).toEqual(
      undone('/p/{project}/tickets/{response.id}'),
    )
    const paths = {
      '/t/': { post: answers(201, object({ id: text })) },
      '/t/{id}/': { get: answers(200, object({})), delete: answers(204, null) },
    }
    expect(derived(paths, 'POST /t/')).toEqual(undone('/t/{response.id}/'))
  })

  it('is only removed where the document proves that it can be', () => {
    const found = { resource: '/tickets/{response.id}' }
    expect(creating(object({ id: text }), { status: 200 })).toEqual(
      write({
        ...found,
        noUndo:
          'POST /tickets answers 200, which does not prove that it created what DELETE /tickets/{id} would remove',
      }),
    )
    const needing = answers(204, null, { parameters: [parameter('reason', 'query')] })
    expect(creating(object({ id: text }), { remove: needing })).toEqual(
      write({ ...found, noUndo: 'DELETE /tickets/{id} needs the query parameter "reason", which is not known' }),
    )
    const matching = answers(204, null, { parameters: [parameter('If-Match', 'header')] })
    expect(creating(object({ id: text }), { remove: matching })).toEqual(undone('/tickets/{response.id}'))
    expect(creating(null as never)).toEqual(
      write({ noUndo: 'the document does not show what POST /tickets answers, so what it created can not be told' }),
    )
  })

  it('can be removed where it can not be read', () => {
    const paths = { '/t': { post: answers(201, object({ id: text })) }, '/t/{id}': { delete: answers(204, null) } }
    expect(derived(paths, 'POST /t')).toEqual(
      write({ undo: { method: 'DELETE', template: '/t/{response.id}', created: true } }),
    )
  })

  it('is not known of a POST that only looks like an action', () => {
    const paths = {
      '/t/{id}': { get: answers(200, object({ id: text })) },
      '/t/{id}/close': { post: answers(200, ref('T')) },
    }
    expect(derived(paths, 'POST /t/{id}/close', { T: object({ id: text }) })).toEqual(
      write({
        noUndo:
          'the document does not show what POST /t/{id}/close changes, or what takes it back; declare "undo" for it, or "read" where it changes nothing',
      }),
    )
  })
})

describe('what a resource is', () => {
  const hidden = (path: object, more: object = {}) =>
    derived({ '/t': { delete: answers(204, null), ...path }, ...more }, 'DELETE /t')
  it.each([
    [{}, {}, 'the document has no GET /t that could read it beforehand'],
    [{ get: answers(200, object({})) }, { '/t/{id}': {} }, null],
    [
      { get: answers(200, object({})) },
      { '/t/{id}': { get: answers(200, null) } },
      '/t is a collection, and GET /t lists what is in it',
    ],
    [
      { get: answers(200, object({}), { parameters: [parameter('page_size', 'query', {}, false)] }) },
      {},
      'GET /t takes "page_size": it lists, and may show a part only',
    ],
    [
      { get: answers(200, object({}), { parameters: [parameter('day', 'query')] }) },
      {},
      'GET /t needs the query parameter "day", so it can not be read beforehand',
    ],
    [{ get: answers(200, null) }, {}, 'the document does not say what GET /t answers'],
  ])('%j with %j: %s', (path, more, reason) => {
    expect(hidden(path, more)).toEqual(write(reason === null ? {} : { resource: null, noUndo: reason }))
  })
})

describe('what a PUT or PATCH writes', () => {
  const writing = (method: 'put' | 'patch', shown: unknown, operation: object, ...more: [object?, ('3.0' | '3.1')?]) =>
    derived(
      { '/t/{id}': { get: answers(200, shown), [method]: operation } },
      `${method.toUpperCase()} /t/{id}`,
      ...more,
    )
  const shown = object({
    id: fixed,
    name: text,
    due: object({ date: text, done: text }),
    tags: { type: 'array', items: text },
    parts: { type: 'array', items: object({ id: fixed, name: text }) },
  })

  it('is the fields that it takes, without those that the service sets', () => {
    expect(writing('patch', shown, takes(shown))).toEqual(
      write({ media: 'application/json', writable: ['name', 'due.date', 'due.done', 'tags', 'parts.name'] }),
    )
  })

  it('is any field where it says so', () => {
    expect(writing('patch', shown, takes({ ...shown, additionalProperties: true }))).toEqual(
      write({ media: 'application/json' }),
    )
  })

  it.each<[string, object, string[]]>([
    ['is not shown', { secret: text }, ['secret']],
    ['is written only', { name: { ...text, writeOnly: true } }, ['name']],
    ['is shown as something else', { tags: text }, ['tags']],
    ['is a list of something else', { tags: { type: 'array', items: number } }, ['tags']],
    ['is shown with another type', { name: { type: 'boolean' } }, ['name']],
    [
      'is not shown in items of a list',
      { parts: { type: 'array', items: object({ name: text, key: text }) } },
      ['parts.key'],
    ],
    ['is a list of something else', { parts: { type: 'array', items: text } }, ['parts']],
    ['is not shown below', { due: object({ date: text, by: text }) }, ['due.by']],
  ])('can not be put back where it %s', (_, fields, unreadable) => {
    const all = object({ id: text, due: object({ date: text }), ...fields })
    expect(writing('patch', shown, takes(all))).toMatchObject({ unreadable })
    expect(writing('patch', shown, takes(all)).unfit).toBeUndefined()
    expect(writing('put', shown, takes(all)).unfit).toBe(
      `it takes ${unreadable.join(', ')}, which GET does not show in that form, so writing back would lose it`,
    )
  })

  it.each<[string, 'put' | 'patch', unknown, object, string]>([
    [
      'nothing of it is shown',
      'patch',
      shown,
      takes(object({ a: text, b: text })),
      'GET shows nothing as it is written (a, b)',
    ],
    ['a part of it is not described', 'put', shown, { responses: {} }, 'the document does not say what it takes'],
    [
      'its fields are not',
      'put',
      shown,
      takes({ type: 'object' }),
      'the document does not name the fields of what it takes',
    ],
    [
      'those that are shown are not',
      'put',
      { type: 'object' },
      takes(shown),
      'the document does not name the fields of what GET shows',
    ],
    ['nothing is known of it', 'put', shown, takes({}), 'the document does not describe what it takes'],
    [
      'a list is shown',
      'put',
      { type: 'array', items: shown },
      takes(shown),
      'it takes an object, and GET shows a list',
    ],
    [
      'it is a list',
      'patch',
      { type: 'array', items: text },
      takes({ type: 'array', items: text }),
      'it takes a list, and only fields of an object can be written back',
    ],
    [
      'it is JSON Patch',
      'patch',
      shown,
      takes({ type: 'array' }, 200, 'application/json-patch+json'),
      'it takes JSON Patch only',
    ],
    [
      'it is a form',
      'put',
      shown,
      takes(shown, 200, 'application/x-www-form-urlencoded'),
      'it takes application/x-www-form-urlencoded, and GET shows application/json',
    ],
    [
      'it needs what undo does not know',
      'put',
      shown,
      { ...takes(shown), parameters: [parameter('by', 'query'), parameter('X-Tenant', 'header')] },
      'it needs the query parameter "by", the header "X-Tenant"',
    ],
  ])('is not for undo where %s', (_, method, image, operation, unfit) => {
    expect(writing(method, image, operation).unfit).toBe(unfit)
  })

  it('is lists and single values as wholes, by PUT', () => {
    const list = { type: 'array', items: text }
    expect(writing('put', list, takes(list))).toEqual(write({ media: 'application/json', creates: false }))
    const parts = { type: 'array', items: object({ id: fixed, name: text }) }
    expect(writing('put', parts, takes(parts))).toEqual(
      write({ media: 'application/json', writable: ['name'], creates: false }),
    )
    expect(writing('put', text, takes(text))).toEqual(write({ media: 'application/json', creates: false }))
  })

  it('is written with the media type that it takes', () => {
    const merge = takes(object({ name: text }), 200, 'application/merge-patch+json; charset=utf-8')
    expect(writing('patch', shown, merge).media).toBe('application/merge-patch+json')
  })

  it('is what stands beside a reference too, from 3.1 on', () => {
    const fields = { id: { ...ref('Id'), readOnly: true }, name: text }
    const of = (version: '3.0' | '3.1') =>
      writing('patch', object(fields), takes(object(fields)), { Id: text }, version).writable
    expect([of('3.0'), of('3.1')]).toEqual([['id', 'name'], ['name']])
  })

  it('names the header that takes a key', () => {
    const operation = { ...takes(shown), parameters: [parameter('idempotency-KEY', 'header')] }
    expect(writing('put', shown, operation)).toMatchObject({ idempotency: 'idempotency-key' })
    expect(writing('put', shown, operation).unfit).toBeUndefined()
  })
})

describe('what a PUT creates', () => {
  const thing = object({ id: fixed, name: text, createdAt: fixed })
  const routes = (put: object, shown: unknown = thing) => {
    const paths = { '/t/{id}': { get: answers(200, shown), put, delete: answers(204, null) } }
    return [derived(paths, 'PUT /t/{id}').creates, derived(paths, 'DELETE /t/{id}').noUndo]
  }
  it.each<[string, object, unknown, string | undefined]>([
    ['201', takes(thing, 201), thing, undefined],
    ['200', takes(thing), thing, 'PUT /t/{id} replaces what is there: the document declares no 201 for it'],
    [
      'less than is shown',
      takes(object({ name: text }), 201),
      object({ id: fixed, name: text, owner: text }),
      'PUT /t/{id} does not take owner, which GET shows',
    ],
    [
      'what undo does not know',
      { ...takes(thing, 201), parameters: [parameter('by', 'query')] },
      thing,
      'PUT /t/{id} needs the query parameter "by"',
    ],
    [
      'a form',
      takes(thing, 201, 'multipart/form-data'),
      thing,
      'PUT /t/{id} can not: it takes multipart/form-data, and GET shows application/json',
    ],
  ])('is told by what it declares: %s', (_, put, shown, reason) => {
    expect(routes(put, shown)).toEqual(
      reason === undefined ? [undefined, undefined] : [false, `/t/{id} would be gone, and ${reason}`],
    )
  })
  it('may be bytes', () => {
    const bytes = { responses: { 200: media(text, 'image/png') } }
    const paths = { '/t/{id}': { get: bytes, put: takes(text, 201, 'image/*'), delete: answers(204, null) } }
    expect(derived(paths, 'PUT /t/{id}')).toEqual(write({}))
  })
})

describe('what the service sets', () => {
  const of = (properties: Readonly<Record<string, unknown>>, put: unknown = object({})) => {
    const { volatile, readOnly } = derived(
      { '/t/{id}': { get: answers(200, object(properties)), put: takes(put) } },
      'GET /t/{id}',
    )
    return { volatile, readOnly }
  }
  const set = (schema: object) => ({ ...schema, readOnly: true })
  it('changes by itself where its name says so and the document says who sets it', () => {
    const times = {
      createdAt: fixed,
      updated_at: fixed,
      last_modified: fixed,
      'meta-version': fixed,
      etag: fixed,
      version: fixed,
    }
    expect(of(times)).toEqual({
      volatile: ['createdAt', 'updated_at', 'last_modified', 'etag', 'version'],
      readOnly: ['meta-version'],
    })
    expect(of({ updatedAt: text, version: number })).toEqual({ volatile: [], readOnly: undefined })
  })
  it('is compared otherwise, flags included', () => {
    expect(of({ id: fixed, status: fixed, edited: set({ type: 'boolean' }) })).toEqual({
      volatile: [],
      readOnly: ['id', 'status', 'edited'],
    })
  })
  it('is looked for in objects, lists, and what is written', () => {
    const items = { type: 'array', items: object({ id: fixed, updatedAt: fixed, name: text }) }
    expect(of({ items, owner: set(object({ id: fixed })) }, object({ total: fixed }))).toEqual({
      volatile: ['items.updatedAt'],
      readOnly: ['items.id', 'owner', 'total'],
    })
  })
})

describe('the routes of a document', () => {
  it('keep deprecated ones, and leave out with a reason what can not be one', () => {
    const paths = {
      '/a': { post: { deprecated: true, responses: {} }, trace: { responses: {} }, 'x-note': 1, summary: 'A' },
      '/b/{x}': { get: answers(200, null), head: answers(200, null), options: answers(200, null) },
      '/b/{y}': { get: answers(200, null) },
      '/c/{x}-{y}': { get: answers(200, null) },
    }
    const { routes, skipped } = toRoutes(documentOf(paths))
    expect(routes.map(({ route, read }) => [route, read])).toEqual([
      ['POST /a', false],
      ['GET /b/{x}', true],
      ['HEAD /b/{x}', true],
      ['OPTIONS /b/{x}', true],
    ])
    expect(skipped).toEqual([
      { route: 'GET /b/{y}', reason: 'it matches the same requests as GET /b/{x}' },
      {
        route: 'GET /c/{x}-{y}',
        reason:
          'the segment "{x}-{y}" is not plain text with at most one {name} in it; a route has neither query nor escapes',
      },
    ])
  })
})
