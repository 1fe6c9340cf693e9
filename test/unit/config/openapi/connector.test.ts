import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { http } from '../../../../src/config/connectors.ts'
import type { HttpOptions } from '../../../../src/config/connectors.ts'
import { parseConfig } from '../../../../src/config/parse.ts'
import { toAgentSnapshot } from '../../../../src/config/resolve.ts'
import { answers, documentOf, fixed, object, parameter, takes, text } from './documents.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recourse-openapi-'))
  const thing = object({ id: fixed, name: text })
  const paths = {
    '/p/{pid}/t': { post: { ...takes(thing), ...answers(201, thing) } },
    '/p/{pid}/t/{id}': {
      get: answers(200, thing),
      put: takes(object({ name: text, password: text })),
      delete: answers(204, null),
    },
    '/search': { post: takes(object({})) },
  }
  await writeFile(join(folder, 'api.json'), JSON.stringify(documentOf(paths).root))
})
afterAll(() => rm(folder, { recursive: true }))

/** The connector as a run gets it. */
function connectorOf(options: Partial<HttpOptions>) {
  const config = {
    models: { default: { baseURL: 'http://127.0.0.1:1/v1', apiKey: 'none', model: 'm' } },
    connectors: { api: http({ url: 'http://api.example.com', ...options }) },
    agents: { assistant: { connectors: ['api'] } },
  }
  const [connector] = toAgentSnapshot(parseConfig(config, 'recourse.config.ts', folder), 'assistant').connectors
  if (!connector) throw new Error('no connector')
  return connector
}
const routeOf = (routes: HttpOptions['routes'], name: string) =>
  connectorOf({ openapi: './api.json', routes }).routes.find(({ route }) => route === name)

describe('a connector with a document', () => {
  it('has its routes and its digest, and those that only the config declares', () => {
    const { routes, openapi } = connectorOf({ openapi: 'api.json', routes: { 'POST /other': { permission: 'ask' } } })
    expect(openapi?.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(routes.map(({ route }) => route)).toEqual([
      ...['POST /p/{pid}/t', 'GET /p/{pid}/t/{id}', 'PUT /p/{pid}/t/{id}', 'DELETE /p/{pid}/t/{id}', 'POST /search'],
      'POST /other',
    ])
    expect(connectorOf({ routes: {} }).openapi).toBeUndefined()
  })

  it('lets what is declared win, field by field, under the names that it gives', () => {
    const permission = 'hold' as const
    expect(routeOf({ 'POST /p/{project}/t': { permission } }, 'POST /p/{project}/t')).toEqual({
      route: 'POST /p/{project}/t',
      method: 'POST',
      template: '/p/{project}/t',
      read: false,
      irreversible: false,
      volatile: [],
      permission,
      resource: '/p/{project}/t/{response.id}',
      undo: { method: 'DELETE', template: '/p/{project}/t/{response.id}', created: true },
    })
    const undo = 'POST /p/{pid}/t/{response.id}/remove'
    expect(routeOf({ 'POST /p/{pid}/t': { undo } }, 'POST /p/{pid}/t')).toMatchObject({
      resource: '/p/{pid}/t/{response.id}',
      undo: { method: 'POST', template: '/p/{pid}/t/{response.id}/remove' },
    })
    expect(routeOf({ 'GET /p/{pid}/t/{id}': { volatile: ['name'] } }, 'GET /p/{pid}/t/{id}')).toMatchObject({
      volatile: ['name'],
      readOnly: ['id'],
    })
  })

  it('drops what was derived about undoing where it is declared to read, or to be irreversible', () => {
    expect(routeOf({ 'POST /search': { read: true } }, 'POST /search')).toMatchObject({ read: true })
    expect(routeOf({ 'POST /search': { read: true } }, 'POST /search')).not.toHaveProperty('noUndo')
    expect(routeOf({ 'POST /p/{pid}/t': { irreversible: true } }, 'POST /p/{pid}/t')).not.toHaveProperty('undo')
  })

  it('takes the word of whoever says which fields a route writes', () => {
    const name = 'PUT /p/{pid}/t/{id}'
    expect(routeOf({}, name)).toMatchObject({ unreadable: ['password'], unfit: expect.stringContaining('password') })
    const declared = routeOf({ [name]: { writable: ['name'], creates: true } }, name)
    expect(declared).toMatchObject({ writable: ['name'], creates: true })
    expect(declared).not.toHaveProperty('unfit')
    expect(declared).not.toHaveProperty('unreadable')
  })

  it('is refused with the place where it is named', async () => {
    expect(() => connectorOf({ openapi: 'gone.json' })).toThrow(
      `recourse.config.ts has a problem:\n  connectors.api.openapi: ${folder}/gone.json cannot be read: there is no such file`,
    )
    const many = Array.from({ length: 2000 }, (_, index) => [
      `/things-${index}/{id}`,
      { delete: { parameters: [parameter('id')] } },
    ])
    await writeFile(join(folder, 'many.json'), JSON.stringify(documentOf(Object.fromEntries(many)).root))
    expect(() => connectorOf({ openapi: 'many.json' })).toThrow(
      /connectors\.api\.openapi: its 2000 routes take \d+ characters, and a run can carry 262144; keep the paths that the agents need in a copy/,
    )
  })
})
