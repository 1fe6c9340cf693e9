import { createHash } from 'node:crypto'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DOCUMENT_LIMIT, readOpenApi } from '../../../../src/config/openapi/document.ts'
import { toRoutes } from '../../../../src/config/openapi/derive.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recourse-openapi-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function put(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}
const json = (value: object) => put('a.json', JSON.stringify({ openapi: '3.1.0', paths: {}, ...value }))
async function errorOf(file: string): Promise<string> {
  try {
    toRoutes(readOpenApi(file))
  } catch (error) {
    return String(error).replaceAll(folder, '')
  }
  return 'no error'
}

describe('readOpenApi', () => {
  it('reads JSON and YAML, 3.0 and 3.1, and keeps the digest of what it read', async () => {
    const text = '{"openapi":"3.0.3","info":{"title":"A"},"paths":{}}'
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`
    expect(readOpenApi(await put('a.json', text))).toMatchObject({ version: '3.0', title: 'A', digest })
    expect(readOpenApi(await put('a.yaml', 'openapi: 3.1.0\npaths: {}\n'))).toMatchObject({
      version: '3.1',
      title: null,
    })
  })

  it.each([
    [
      'a.json',
      '{',
      /^OpenApiError: \/a\.json cannot be read as JSON: Expected property name or '}' in JSON at position 1/,
    ],
    ['a.yaml', 'a: [', /^OpenApiError: \/a\.yaml cannot be read as YAML: Flow sequence in block collection/],
    ['a.json', '[]', /\/a\.json is not an OpenAPI document: it holds no object$/],
    ['a.json', '{"paths":{}}', /\/a\.json is not an OpenAPI document: it has no "openapi"$/],
    ['a.json', '{"swagger":"2.0"}', /\/a\.json is Swagger 2\.0; convert it to OpenAPI 3 first$/],
    ['a.json', '{"openapi":"4.0.0"}', /\/a\.json is OpenAPI 4\.0\.0; 3\.0 and 3\.1 are understood$/],
    ['a.json', '{"openapi":"3.1.0","paths":[]}', /\/a\.json is not an OpenAPI document: paths: /],
    ['a.json', '{"openapi":"3.1.0","paths":{"a":{}}}', /\/a\.json: paths\["a"\]: a path starts with \/$/],
    [
      'a.json',
      '{"openapi":"3.1.0","paths":{"/a":{"get":{"parameters":{}}}}}',
      /\/a\.json: paths\["\/a"\]\.get\.parameters: Invalid input: expected array, received object$/,
    ],
    [
      'a.yaml',
      ['openapi: 3.1.0', 'a: &a [1,1,1,1,1,1,1,1,1,1]', 'b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]'].join('\n') +
        '\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n',
      /Excessive alias count/,
    ],
  ])('refuses %s with %s', async (name, text, message) => expect(await errorOf(await put(name, text))).toMatch(message))

  it('refuses what is not there, and what is too big, before reading it', async () => {
    expect(await errorOf(join(folder, 'gone.json'))).toBe(
      'OpenApiError: /gone.json cannot be read: there is no such file',
    )
    const big = await put('big.json', '')
    await truncate(big, DOCUMENT_LIMIT + 1)
    expect(await errorOf(big)).toMatch(/big\.json has 16777217 bytes, and at most 16777216 are read; keep the paths/)
  })
})

describe('references', () => {
  it('never follows one that leaves the file, and names each with its place', async () => {
    const file = await json({
      paths: {
        '/a': { get: { responses: { 200: { $ref: 'https://example.com/x.json#/a' } } } },
        '/b': { $ref: './b.yaml' },
        '/c': { get: { parameters: [{ $ref: '#/components/parameters/gone' }, { $ref: 'file:///etc/passwd' }] } },
      },
    })
    const problem = 'only references within the file (#/…) are followed; bundle the document into one file'
    const lines = (await errorOf(file)).split('\n')
    expect(lines[0]).toBe('OpenApiError: /a.json has references that cannot be used:')
    expect(lines.slice(1).sort()).toEqual([
      `  #/paths/~1a/get/responses/200 refers to "https://example.com/x.json#/a": ${problem}`,
      `  #/paths/~1b refers to "./b.yaml": ${problem}`,
      '  #/paths/~1c/get/parameters/0 refers to "#/components/parameters/gone": there is nothing there',
      `  #/paths/~1c/get/parameters/1 refers to "file:///etc/passwd": ${problem}`,
    ])
  })

  it('are keywords only where they are: not in examples, and not as the name of a field', async () => {
    const schema = { properties: { $ref: { type: 'string' } }, example: { $ref: 'https://example.com' } }
    const file = await json({ components: { schemas: { A: schema } } })
    expect(await errorOf(file)).toBe('no error')
  })

  it('may go round in circles', async () => {
    const schemas = {
      Node: {
        type: 'object',
        properties: { id: { readOnly: true, type: 'string' }, next: { $ref: '#/components/schemas/Node' } },
      },
      Self: { $ref: '#/components/schemas/Self' },
      All: { allOf: [{ $ref: '#/components/schemas/All' }, { properties: { name: { type: 'string' } } }] },
    }
    const media = (name: string) => ({
      content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } },
    })
    const path = (name: string) => ({ get: { responses: { 200: media(name) } }, put: { requestBody: media(name) } })
    const file = await json({
      components: { schemas },
      paths: { '/n': path('Node'), '/s': path('Self'), '/a': path('All') },
    })
    const { routes } = toRoutes(readOpenApi(file))
    expect(routes.map(({ route, readOnly, writable, unfit }) => ({ route, readOnly, writable, unfit }))).toEqual([
      { route: 'GET /n', readOnly: ['id', 'next.id', 'next.next.id'] },
      { route: 'PUT /n', writable: ['next.next.next'] },
      { route: 'GET /s' },
      { route: 'PUT /s', unfit: 'the document does not describe what it takes' },
      { route: 'GET /a' },
      { route: 'PUT /a', writable: ['name'] },
    ])
  })
})

describe('servers', () => {
  const routesOf = async (servers: object[], hosts: string[] = []) => {
    const file = await json({ servers, paths: { '/a/{b-c}': { get: { responses: {} } } } })
    return toRoutes(readOpenApi(file), hosts).routes.map(({ route }) => route)
  }
  it('put their path before every route', async () => {
    expect(await routesOf([])).toEqual(['GET /a/{b_c}'])
    expect(await routesOf([{ url: '/v1/' }])).toEqual(['GET /v1/a/{b_c}'])
    const variables = { region: { default: 'eu' }, v: { default: 2 } }
    expect(await routesOf([{ url: 'https://{region}.example.com/v{v}', variables }])).toEqual(['GET /v2/a/{b_c}'])
  })
  it('that differ are told apart by the address of the connector, and never guessed', async () => {
    const servers = [{ url: 'https://a.example.com/v1' }, { url: 'https://b.example.com/v2' }]
    expect(await routesOf(servers, ['b.example.com'])).toEqual(['GET /v2/a/{b_c}'])
    await expect(routesOf(servers)).rejects.toThrow(
      /a\.json names servers with different paths for paths\["\/a\/\{b-c\}"\]\.get \(\/v1, \/v2\), so where its routes are is not clear; keep one server in a copy$/,
    )
  })
})
