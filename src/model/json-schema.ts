import { z } from 'zod'
import type { AnswerShape } from './models.ts'

export interface ResponseFormat {
  readonly type: 'json_schema'
  readonly json_schema: { readonly name: string; readonly strict: boolean; readonly schema: Record<string, unknown> }
}

const formats = new WeakMap<object, ResponseFormat>()

/** The `response_format` of a shape; derived once a shape. */
export function toResponseFormat(shape: AnswerShape<unknown>): ResponseFormat {
  const known = formats.get(shape)
  if (known) return known
  const schema = shape.json ?? toJsonSchema(shape.zod)
  const format: ResponseFormat = {
    type: 'json_schema',
    json_schema: { name: shape.name, strict: isStrict(schema), schema },
  }
  formats.set(shape, format)
  return format
}

/** JSON Schema of what a model may write: fields with a default may be left out. */
export function toJsonSchema(zod: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(zod, {
    io: 'input',
    // Some servers refuse it, and the keys of a JSON object are strings anyway.
    override: ({ jsonSchema }) => delete jsonSchema.propertyNames,
  })
  return schema
}

/**
 * Whether a schema keeps to what strict mode takes: closed objects whose fields are all required, and no free-form
 * parts. Elsewhere the schema guides and the repair turn mends.
 */
function isStrict(schema: unknown): boolean {
  if (schema === null || typeof schema !== 'object') return true
  if (Array.isArray(schema)) return schema.every(isStrict)
  const node = schema as Record<string, unknown>
  if ('default' in node || 'oneOf' in node) return false
  if (node['type'] === 'object') {
    const properties = Object.keys((node['properties'] as object | undefined) ?? {})
    const required = Array.isArray(node['required']) ? node['required'] : []
    if (node['additionalProperties'] !== false || properties.some((name) => !required.includes(name))) return false
  }
  return Object.values(node).every(isStrict)
}
