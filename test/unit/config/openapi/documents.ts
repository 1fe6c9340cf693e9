import type { OpenApiDocument } from '../../../../src/config/openapi/document.ts'

/** A small document: paths as OpenAPI has them, and schemas by name. */
export function documentOf(
  paths: OpenApiDocument['root']['paths'],
  schemas: Readonly<Record<string, unknown>> = {},
  version: '3.0' | '3.1' = '3.1',
): OpenApiDocument {
  const root = { openapi: version, paths, components: { schemas } }
  return { file: 'a.json', digest: 'sha256:d', version, title: null, root }
}

export const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
export const object = (properties: Readonly<Record<string, unknown>>) => ({ type: 'object', properties })
export const text = { type: 'string' }
export const number = { type: 'integer' }
export const fixed = { type: 'string', readOnly: true }

export const media = (schema: unknown, type = 'application/json') => ({ content: { [type]: { schema } } })
/** An operation that answers `schema` with a status; null: nothing. */
export const answers = (status: number, schema: unknown, more: object = {}) => ({
  ...more,
  responses: { [status]: schema === null ? {} : media(schema) },
})
/** An operation that takes `schema` and answers nothing. */
export const takes = (schema: unknown, status = 200, type?: string) => ({
  requestBody: media(schema, type),
  responses: { [status]: {} },
})
export const parameter = (name: string, where = 'path', schema: unknown = {}, required = true) => ({
  name,
  in: where,
  required,
  schema,
})
