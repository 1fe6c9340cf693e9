import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { extname } from 'node:path'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { OpenApiError } from './error.ts'
import { checkReferences } from './references.ts'

/** Largest document, bytes. */
export const DOCUMENT_LIMIT = 16 * 1024 * 1024

const Server = z.looseObject({
  url: z.string(),
  variables: z.record(z.string(), z.looseObject({ default: z.coerce.string() })).optional(),
})
export type Server = z.infer<typeof Server>
export const Servers = z.array(Server)

const Shape = z.looseObject({
  openapi: z.string(),
  info: z.looseObject({ title: z.string().optional() }).optional(),
  servers: Servers.optional(),
  paths: z.record(z.string(), z.unknown()).default({}),
})

/** A document as it was read: its references were looked at, everything else is looked at when it is needed. */
export interface OpenApiDocument {
  /** As it was named; for messages. */
  readonly file: string
  /** `sha256:` and hex of the file's bytes. */
  readonly digest: string
  /** `3.0` and before ignore what stands beside a `$ref`. */
  readonly version: '3.0' | '3.1'
  readonly title: string | null
  readonly root: z.infer<typeof Shape>
}

/**
 * Reads an OpenAPI 3.0 or 3.1 document, in JSON or YAML. References outside the file are never followed.
 * @throws OpenApiError saying what is wrong with it and where.
 */
export function readOpenApi(file: string): OpenApiDocument {
  const bytes = readBytes(file)
  const value = parse(file, bytes)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new OpenApiError(`${file} is not an OpenAPI document: it holds no object`)
  }
  const version = toVersion(file, value)
  const parsed = Shape.safeParse({ ...value, openapi: version })
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new OpenApiError(
      `${file} is not an OpenAPI document: ${issue?.path.join('.') ?? 'it'}: ${issue?.message ?? 'cannot be understood'}`,
    )
  }
  checkReferences(file, value)
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  return { file, digest, version, title: parsed.data.info?.title ?? null, root: parsed.data }
}

function readBytes(file: string): Buffer {
  try {
    const { size } = statSync(file)
    if (size > DOCUMENT_LIMIT) {
      throw new OpenApiError(
        `${file} has ${size} bytes, and at most ${DOCUMENT_LIMIT} are read; keep the paths that are needed in a copy`,
      )
    }
    return readFileSync(file)
  } catch (error) {
    if (error instanceof OpenApiError) throw error
    const why =
      error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'there is no such file' : String(error)
    throw new OpenApiError(`${file} cannot be read: ${why}`, { cause: error })
  }
}

function parse(file: string, bytes: Buffer): unknown {
  const json = extname(file).toLowerCase() === '.json'
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    // The count of aliases keeps a small file from becoming a huge value.
    return json ? JSON.parse(text) : parseYaml(text, { logLevel: 'error', maxAliasCount: 1000 })
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    throw new OpenApiError(`${file} cannot be read as ${json ? 'JSON' : 'YAML'}: ${why.replace(/:$/, '')}`, {
      cause: error,
    })
  }
}

function toVersion(file: string, value: object): '3.0' | '3.1' {
  if ('swagger' in value) {
    throw new OpenApiError(`${file} is Swagger ${String(value.swagger)}; convert it to OpenAPI 3 first`)
  }
  if (!('openapi' in value)) throw new OpenApiError(`${file} is not an OpenAPI document: it has no "openapi"`)
  const version = /^3\.[01](?=\.|$)/.exec(String(value.openapi))?.[0]
  if (version === '3.0' || version === '3.1') return version
  throw new OpenApiError(`${file} is OpenAPI ${String(value.openapi)}; 3.0 and 3.1 are understood`)
}
