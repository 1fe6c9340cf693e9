import { OpenApiError } from './error.ts'

/** Objects whose keys are names, not keywords. */
const NAMED: ReadonlySet<string> = new Set(['properties', 'patternProperties', 'schemas', '$defs', 'definitions'])
/** Keywords below which there are values, not parts of the document. */
const VALUES: ReadonlySet<string> = new Set(['example', 'examples', 'default', 'enum', 'const'])
/** References to references. */
const HOPS = 32
/** Problems named in one error. */
const NAMED_PROBLEMS = 5

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Looks at every reference of a document: local ones must lead somewhere, others are never followed.
 * @throws OpenApiError naming those that are not so.
 */
export function checkReferences(file: string, root: unknown): void {
  const problems: string[] = []
  // YAML can make one object appear in many places, its own inside included.
  const seen = new Set<object>()
  const open: { value: unknown; place: string; named: boolean }[] = [{ value: root, place: '#', named: false }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, place, named } = next
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    if (isObject(value) && typeof value['$ref'] === 'string' && !named) {
      const problem = lookUp(root, value['$ref']).problem
      if (problem !== null) problems.push(`${place} refers to "${value['$ref']}": ${problem}`)
    }
    for (const [key, child] of Object.entries(value)) {
      if (!named && (VALUES.has(key) || key.startsWith('x-'))) continue
      open.push({ value: child, place: `${place}/${escapeKey(key)}`, named: !named && NAMED.has(key) })
    }
  }
  if (problems.length === 0) return
  const shown = problems.slice(0, NAMED_PROBLEMS)
  const more = problems.length - shown.length
  throw new OpenApiError(
    [
      `${file} has references that cannot be used:`,
      ...shown.map((problem) => `  ${problem}`),
      ...(more > 0 ? [`  and ${more} more`] : []),
    ].join('\n'),
  )
}

/** What a part of a document is once its references are followed; `refs` are those that were followed. */
export function follow(root: unknown, value: unknown): { value: unknown; refs: readonly string[] } {
  const refs: string[] = []
  let at = value
  while (isObject(at) && typeof at['$ref'] === 'string' && refs.length < HOPS) {
    const ref = at['$ref']
    if (refs.includes(ref)) return { value: undefined, refs }
    refs.push(ref)
    at = lookUp(root, ref).value
  }
  return { value: at, refs }
}

function lookUp(root: unknown, ref: string): { value: unknown; problem: string | null } {
  if (ref !== '#' && !ref.startsWith('#/')) {
    return {
      value: undefined,
      problem: 'only references within the file (#/…) are followed; bundle the document into one file',
    }
  }
  let at: unknown = root
  for (const part of ref.split('/').slice(1)) {
    const key = unescapeKey(part)
    const next = Array.isArray(at)
      ? (at as unknown[])[Number(key)]
      : isObject(at) && Object.hasOwn(at, key)
        ? at[key]
        : undefined
    if (next === undefined) return { value: undefined, problem: 'there is nothing there' }
    at = next
  }
  return { value: at, problem: null }
}

// RFC 6901, with the percent escapes of a URI fragment.
const escapeKey = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')
function unescapeKey(part: string): string {
  let text = part
  try {
    text = decodeURIComponent(part)
  } catch {
    // A stray percent sign stands for itself.
  }
  return text.replaceAll('~1', '/').replaceAll('~0', '~')
}
