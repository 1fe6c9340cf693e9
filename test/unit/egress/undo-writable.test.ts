import { afterEach, describe, expect, it } from 'vitest'
import { createHarness, route } from './harness.ts'
import type { Harness } from './harness.ts'

/** Undo where it is known which fields a route takes and which ones only the service sets. */

let harness: Harness
afterEach(() => harness.close())

const READ = route('GET /t/{id}', { readOnly: ['id', 'status', 'parts.id'], volatile: ['updatedAt'] })
const PUT = route('PUT /t/{id}', { writable: ['title', 'due.date', 'parts'] })
const PATCH = route('PATCH /t/{id}', { writable: ['title', 'due.date'] })
const TICKET = { id: 1, status: 'open', title: 'a', due: { date: 'mon', by: 'x' }, links: ['/x'], updatedAt: 1 }

/** A service that keeps to itself what it says it sets, and refuses bodies that hold more than it takes. */
async function use(routes: Parameters<typeof createHarness>[0], taken: readonly string[]): Promise<Harness['service']> {
  harness = await createHarness(routes)
  const { service } = harness
  service.put('/t/1', JSON.stringify(TICKET))
  let writes = 0
  service.before = (request, response) => {
    const { method = '' } = request
    if (method !== 'PUT' && method !== 'PATCH') return false
    const old = JSON.parse(service.get('/t/1') ?? '{}') as Record<string, unknown>
    const body = JSON.parse(service.log.at(-1)?.body ?? '{}') as Record<string, unknown>
    const unknown = Object.keys(body).filter((name) => !taken.includes(name))
    if (unknown.length > 0) {
      response.writeHead(422).end()
      return true
    }
    const due = { ...(old['due'] as object), ...(body['due'] as object | undefined) }
    service.put('/t/1', JSON.stringify({ ...old, ...body, due, updatedAt: (writes += 1) }))
    response.writeHead(200, { 'content-type': 'application/json' }).end(service.get('/t/1'))
    return true
  }
  return service
}
const ticketOf = (service: Harness['service']) => JSON.parse(service.get('/t/1') ?? 'null') as object
const bodies = (service: Harness['service']) =>
  service.log.filter(({ method }) => method !== 'GET').map(({ body }) => JSON.parse(body) as unknown)

describe('a restore', () => {
  it('by PUT sends the fields that it takes, and none that the service sets', async () => {
    const service = await use({ routes: [READ, PUT] }, ['title', 'due', 'parts'])
    const effect = await harness.effect('PUT', '/t/1', '{"title":"b","due":{"date":"tue"}}')
    const outcome = await harness.undo(effect)
    expect(outcome).toMatchObject({
      verdict: 'exact',
      note: 'PUT /t/1 answered 200; /t/1 reads as before, updatedAt aside',
    })
    expect(ticketOf(service)).toEqual({ ...TICKET, updatedAt: 2 })
    expect(bodies(service).at(-1)).toEqual({ title: 'a', due: { date: 'mon' } })
  })

  it('by PATCH sends of an object what it takes', async () => {
    const service = await use({ routes: [READ, PATCH] }, ['title', 'due'])
    const effect = await harness.effect('PATCH', '/t/1', '{"due":{"date":"tue"}}')
    expect(await harness.undo(effect)).toMatchObject({ verdict: 'exact' })
    expect(bodies(service).at(-1)).toEqual({ due: { date: 'mon' } })
  })

  it('by PATCH sends of what was not there before what it takes', async () => {
    const service = await use({ routes: [READ, PATCH] }, ['title', 'due'])
    service.put('/t/1', JSON.stringify({ ...TICKET, due: null }))
    const effect = await harness.effect('PATCH', '/t/1', '{"due":{"date":"tue"}}')
    await harness.undo(effect)
    expect(bodies(service).at(-1)).toEqual({ due: null })
  })

  it('says so where a field that the service sets is not as before: nothing that was read is left out', async () => {
    const service = await use({ routes: [READ, PATCH] }, ['title'])
    const effect = await harness.effect('PATCH', '/t/1', '{"title":"b"}')
    service.put('/t/1', JSON.stringify({ ...ticketOf(service), status: 'answered' }))
    const outcome = await harness.undo(effect)
    expect(outcome).toMatchObject({ verdict: 'equivalent', drift: [] })
    expect(outcome.note).toContain('title read as before; on /t/1 these differ from before: status')
  })

  it('falls back to PUT for what PATCH does not take', async () => {
    const service = await use({ routes: [READ, PUT, PATCH] }, ['title', 'due', 'parts'])
    const effect = await harness.effect('PATCH', '/t/1', '{"parts":[{"name":"x"}]}')
    expect(effect.compensation).toEqual({ kind: 'restore', method: 'PATCH' })
    await harness.undo(effect)
    expect(service.writes()).toEqual(['PATCH /t/1', 'PUT /t/1'])
    expect(bodies(service).at(-1)).toEqual({ title: 'a', due: { date: 'mon' } })
  })

  it('puts lists back without the ids that the service gave their items, and does not miss those', async () => {
    const service = await use({ routes: [READ, PUT] }, ['title', 'due', 'parts'])
    const parts = (ids: number) => [
      { id: ids, name: 'x' },
      { id: ids + 1, name: 'y' },
    ]
    service.put('/t/1', JSON.stringify({ ...TICKET, parts: parts(1) }))
    const effect = await harness.effect('PUT', '/t/1', '{"parts":[]}')
    const { before } = service
    service.before = (request, response) => {
      const done = before?.(request, response)
      if (request.method === 'PUT') service.put('/t/1', JSON.stringify({ ...ticketOf(service), parts: parts(7) }))
      return done
    }
    const outcome = await harness.undo(effect)
    expect(bodies(service).at(-1)).toHaveProperty('parts', [{ name: 'x' }, { name: 'y' }])
    expect(outcome).toMatchObject({ verdict: 'equivalent' })
    expect(outcome.note).toContain('parts.0.id, parts.1.id')
  })

  it('is written with the media type that the route takes', async () => {
    const service = await use({ routes: [READ, { ...PATCH, media: 'application/merge-patch+json' }] }, ['title'])
    await harness.undo(await harness.effect('PATCH', '/t/1', '{"title":"b"}'))
    expect(service.log.findLast(({ method }) => method === 'PATCH')?.headers['content-type']).toBe(
      'application/merge-patch+json',
    )
  })
})

describe('a derived delete', () => {
  const undo = { method: 'DELETE' as const, template: '/t/{response.id}', created: true as const }
  const routes = [READ, route('POST /t', { resource: '/t/{response.id}', undo }), route('DELETE /t/{id}')]

  it('removes what the answer proves to be new', async () => {
    harness = await createHarness({ routes })
    const effect = await harness.effect('POST', '/t', '{"title":"new"}')
    expect(effect.compensation).toEqual({ kind: 'inverse', ...undo })
    expect(await harness.undo(effect)).toMatchObject({ verdict: 'exact' })
    expect(harness.service.get('/t/1')).toBeUndefined()
  })

  it('touches nothing where a POST may have found what was there before', async () => {
    harness = await createHarness({ routes })
    const { service } = harness
    service.put('/t/7', '{"id":7,"title":"ours for years"}')
    service.before = (request, response) => {
      if (request.method !== 'POST') return false
      response.writeHead(200, { 'content-type': 'application/json' }).end(service.get('/t/7'))
      return true
    }
    const outcome = await harness.undo(await harness.effect('POST', '/t', '{"title":"ours for years"}'))
    expect(outcome).toMatchObject({
      verdict: 'failed',
      note: 'POST /t answered 200, which does not prove that it created what DELETE /t/7 would remove; nothing was sent',
    })
    expect(service.get('/t/7')).toBeDefined()
    expect(service.writes()).toEqual(['POST /t'])
  })
})

it('sends a key of its own with each request on a route that takes one', async () => {
  const idempotency = 'idempotency-key'
  harness = await createHarness({
    routes: [
      READ,
      route('POST /t', { idempotency, undo: { method: 'DELETE', template: '/t/{response.id}' } }),
      route('PATCH /t/{id}', { idempotency }),
      route('DELETE /t/{id}', { idempotency }),
    ],
  })
  const { service } = harness
  const created = await harness.effect('POST', '/t', '{"title":"a"}')
  const changed = await harness.effect('PATCH', '/t/1', '{"title":"b"}')
  await harness.undo(changed)
  await harness.undo(created)
  const keys = service.log.flatMap(({ method, headers }) => (method === 'GET' ? [] : [headers[idempotency]]))
  expect(service.writes()).toEqual(['POST /t', 'PATCH /t/1', 'PATCH /t/1', 'DELETE /t/1'])
  expect(new Set(keys).size).toBe(4)
  for (const key of keys) expect(key).toMatch(/^[0-9a-f-]{36}$/)
})
