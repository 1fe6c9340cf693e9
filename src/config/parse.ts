import { z } from 'zod'
import { checkConfig } from './check.ts'
import { readConnectors } from './documents.ts'
import { ConfigError } from './errors.ts'
import { nearest, suggest } from './nearest.ts'
import { ConfigShape } from './schema.ts'
import type { Config } from './schema.ts'
import { showPath } from './show-path.ts'

/**
 * Checks a config, fills in its defaults and reads the documents that it names.
 * @param source What is being checked, for the error, e.g. the file's path.
 * @param folder What relative paths in it are relative to. Default: the current folder.
 * @throws ConfigError with every problem that can be known at once.
 */
export function parseConfig(value: unknown, source = 'the config', folder = '.'): Config {
  const parsed = ConfigShape.safeParse(value, { reportInput: true })
  if (!parsed.success) throw toError(source, parsed.error.issues.flatMap(describe))
  const problems = checkConfig(parsed.data)
  if (problems.length > 0) throw toError(source, problems)
  const connectors = readConnectors(parsed.data.connectors, folder)
  if (connectors.problems.length > 0) throw toError(source, connectors.problems)
  return { ...parsed.data, connectors: connectors.read }
}

function toError(source: string, problems: readonly string[]): ConfigError {
  return new ConfigError(
    `${source} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:`,
    problems,
  )
}

function describe(issue: z.core.$ZodIssue): string[] {
  const path = issue.path
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map(
        (key) => `${showPath([...path, key])}: unknown key${suggest(key, unused(path, issue.input))}`,
      )
    case 'invalid_key':
      return [`${showPath(path)}: ${issue.issues[0]?.message ?? issue.message}`]
    case 'invalid_type':
      return [
        `${showPath(path)}: ${issue.input === undefined ? `missing; it is ${article(issue.expected)}` : `must be ${article(issue.expected)}, not ${toKind(issue.input)}`}`,
      ]
    case 'invalid_value': {
      const allowed = issue.values.map(String)
      const near = typeof issue.input === 'string' ? nearest(issue.input, allowed) : undefined
      const known = allowed.map((option) => `'${option}'`).join(', ')
      return [
        `${showPath(path)}: must be ${issue.values.length > 1 ? 'one of ' : ''}${known}, not ${JSON.stringify(issue.input) ?? toKind(issue.input)}${near === undefined ? '' : `; did you mean '${near}'?`}`,
      ]
    }
    case 'custom':
      return [`${showPath(path)}: ${issue.input === undefined ? 'missing; ' : ''}${issue.message}`]
    default:
      return [`${showPath(path)}: ${issue.message}`]
  }
}

/** Keys known at `path` that are not used there already: what an unknown key may have been meant to be. */
function unused(path: readonly PropertyKey[], input: unknown): string[] {
  let schema: z.core.$ZodType = ConfigShape
  for (const part of path) schema = descend(unwrap(schema), part)
  const object = unwrap(schema)
  const present = new Set(typeof input === 'object' && input !== null ? Object.keys(input) : [])
  return object instanceof z.ZodObject ? Object.keys(object.shape).filter((key) => !present.has(key)) : []
}

function descend(schema: z.core.$ZodType, part: PropertyKey): z.core.$ZodType {
  if (schema instanceof z.ZodObject) return (schema.shape as Record<PropertyKey, z.core.$ZodType>)[part] ?? schema
  if (schema instanceof z.ZodRecord) return schema.valueType
  if (schema instanceof z.ZodArray) return schema.element
  return schema
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.unwrap())
  }
  return schema instanceof z.ZodPipe ? unwrap(schema.out) : schema
}

function toKind(value: unknown): string {
  if (value === null) return 'null'
  return article(Array.isArray(value) ? 'array' : typeof value)
}

function article(noun: string): string {
  const word = noun === 'record' ? 'object' : noun
  return /^[aeio]/.test(word) ? `an ${word}` : `a ${word}`
}
