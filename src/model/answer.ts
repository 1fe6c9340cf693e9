import { z } from 'zod'

/** Reading what a model wrote: tolerant of prose and fences around it, strict about what it is. */

export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; /** Exact: it is fed back. */ readonly error: string }

export interface Block {
  /** Lower case; empty where the fence names none. */
  readonly language: string
  readonly text: string
}

/** Fenced blocks in order. One that is never closed reaches to the end. */
export function findBlocks(text: string): Block[] {
  const blocks: Block[] = []
  let open: { fence: string; indent: number; language: string; lines: string[] } | null = null
  const close = () => {
    if (open) blocks.push({ language: open.language, text: open.lines.join('\n') })
    open = null
  }
  for (const line of text.split('\n').map((each) => each.replace(/\r$/, ''))) {
    if (open === null) {
      const start = /^( *)(`{3,}|~{3,})\s*([^\s`]*)[^`]*$/.exec(line)
      if (!start) continue
      open = {
        fence: start[2] ?? '',
        indent: (start[1] ?? '').length,
        language: (start[3] ?? '').toLowerCase(),
        lines: [],
      }
    } else if (isEnd(line, open.fence)) close()
    else open.lines.push(line.slice(Math.min(open.indent, line.length - line.trimStart().length)))
  }
  close()
  return blocks
}

function isEnd(line: string, fence: string): boolean {
  const trimmed = line.trim()
  return trimmed.length >= fence.length && trimmed === (fence[0] ?? '').repeat(trimmed.length)
}

/**
 * The JSON object in a model's answer that fits `zod`: the whole text, or one in a fenced block, or one in prose. Two
 * different ones that fit are an error, because choosing would be guessing.
 */
export function readJson<T>(text: string, zod: z.ZodType<T>): Read<T> {
  const answer = withoutThinking(text)
  const errors: string[] = []
  const fitting = new Map<string, T>()
  let objects = 0
  for (const candidate of candidatesOf(answer)) {
    const parsed = parseExact(candidate)
    if (!parsed.ok) {
      errors.push(parsed.error)
      continue
    }
    objects++
    const checked = zod.safeParse(parsed.value)
    if (checked.success) fitting.set(JSON.stringify(parsed.value), checked.data)
    else errors.push(toIssues(checked.error))
  }
  if (fitting.size > 1) {
    return { ok: false, error: `The answer holds ${fitting.size} different JSON objects; answer with exactly one.` }
  }
  for (const value of fitting.values()) return { ok: true, value }
  if (objects > 1) {
    return { ok: false, error: `The answer holds ${objects} JSON objects and none of them fits: ${errors.join(' | ')}` }
  }
  return {
    ok: false,
    error: errors[0] ?? 'The answer holds no JSON object; answer with exactly one, and nothing else.',
  }
}

/** Reasoning that some models put before their answer, in its usual tags. */
export function withoutThinking(text: string): string {
  return text.replace(/^\s*<(think|thinking)>[\s\S]*?<\/\1>/i, '').trim()
}

function candidatesOf(text: string): string[] {
  if (isJson(text)) return [text]
  const blocks = findBlocks(text).filter(({ language, text: body }) => isJsonLabel(language) && /^\s*[[{]/.test(body))
  if (blocks.length > 0) return blocks.map((block) => block.text)
  const objects = findObjects(text)
  // Text that starts like an object and is none is a broken one: its syntax error says more than "no object".
  return objects.length > 0 || !text.startsWith('{') ? objects : [text]
}

function isJsonLabel(language: string): boolean {
  return language === '' || language.startsWith('json')
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Texts of the top-level `{…}` in prose, by counting braces outside strings. */
function findObjects(text: string): string[] {
  const found: string[] = []
  let depth = 0
  let start = 0
  let inString = false
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (inString) {
      if (character === '\\') index++
      else if (character === '"') inString = false
    } else if (character === '"') inString = depth > 0
    else if (character === '{') {
      if (depth++ === 0) start = index
    } else if (character === '}' && depth > 0 && --depth === 0) {
      const candidate = text.slice(start, index + 1)
      // Prose has braces as well ({id} in a route); only what may be an object counts.
      if (/^\{\s*["}]/.test(candidate)) found.push(candidate)
    }
  }
  return found
}

/** JSON.parse, except that an integer which JavaScript would change is an error: an id must not silently become another. */
function parseExact(text: string): Read<unknown> {
  let inexact: string | null = null
  try {
    const value: unknown = /\d{16}/.test(text)
      ? JSON.parse(text, (_key, each: unknown, context?: { source?: string }) => {
          if (typeof each === 'number' && Number.isInteger(each) && !Number.isSafeInteger(each)) {
            inexact ??= context?.source ?? String(each)
          }
          return each
        })
      : JSON.parse(text)
    if (inexact !== null)
      return { ok: false, error: `The number ${String(inexact)} is too large to be exact; write it as a string.` }
    return { ok: true, value }
  } catch (error) {
    return {
      ok: false,
      error: `The answer is not valid JSON: ${error instanceof Error ? error.message : String(error)}`,
    }
  }
}

function toIssues(error: z.ZodError): string {
  const issues = error.issues.slice(0, 10).map((issue) => `${issue.path.join('.') || 'answer'}: ${issue.message}`)
  return `The answer does not fit: ${issues.join('; ')}`
}
