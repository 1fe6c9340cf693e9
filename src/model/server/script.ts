import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { ROLES, Role } from '../config.ts'
import { toNearest } from './nearest.ts'

/** A script: what the scripted model answers to whom, as a JSON file. */

const ENTRY = {
  role: Role,
  /** Substring, or `/regex/flags`, of the request or of the latest error fed back. Missing: fits everything. */
  when: z
    .string()
    .min(1)
    .superRefine((when, context) => {
      try {
        toMatcher(when)
      } catch (error) {
        context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
      }
    })
    .optional(),
  /** Text, or JSON that is sent as text. May be missing where `fail` is given. */
  reply: z.union([z.string(), z.array(z.unknown()), z.record(z.string(), z.unknown())]).optional(),
  /** Answers until the entry is used up. */
  times: z.int().positive().default(1),
  /** Milliseconds to wait before answering. */
  delayMs: z.int().nonnegative().max(3_600_000).default(0),
  /** HTTP status to fail with instead of answering. */
  fail: z.int().min(400).max(599).optional(),
}
const KEYS = Object.keys(ENTRY)

export const ScriptEntry = z
  .strictObject(ENTRY)
  .refine((entry) => entry.reply !== undefined || entry.fail !== undefined, {
    path: ['reply'],
    message: 'is missing; an entry needs a reply, or fail with an HTTP status',
  })
export type ScriptEntry = z.infer<typeof ScriptEntry>

export class ScriptError extends Error {
  override readonly name = 'ScriptError'
}

/** @throws ScriptError for a file that can not be read or is no script; names entries (from 0) and fields. */
export async function loadScript(path: string): Promise<ScriptEntry[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ScriptError(`The script ${path} can not be read: ${why}. Give the path of a JSON file.`, { cause: error })
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ScriptError(`The script ${path} is not JSON: ${why}.`, { cause: error })
  }
  return parseScript(json, path)
}

/** @param source Names the script in errors. */
export function parseScript(json: unknown, source: string): ScriptEntry[] {
  const parsed = z.array(ScriptEntry).safeParse(json)
  if (parsed.success) return parsed.data
  const lines = parsed.error.issues.flatMap((issue) => toLines(issue, json))
  throw new ScriptError(`The script ${source} has errors:\n${lines.map((line) => `- ${line}`).join('\n')}`)
}

function toLines(issue: z.core.$ZodIssue, json: unknown): string[] {
  const [index, ...path] = issue.path
  if (index === undefined) return ['a script is a JSON array of entries such as {"role": "planner", "reply": {…}}']
  const place = `entry ${String(index)}`
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${place}, field "${key}": is not known${toHint(key, KEYS, 'fields')}`)
  }
  if (path.length === 0) return [`${place}: ${issue.message}`]
  const field = `${place}, field "${path.join('.')}"`
  const value =
    Array.isArray(json) && typeof index === 'number' ? (json[index] as Record<string, unknown>)[String(path[0])] : null
  if (path[0] === 'role') {
    if (typeof value !== 'string') return [`${field}: is missing; the roles are ${ROLES.join(', ')}`]
    return [`${field}: "${value}" is not a role${toHint(value, ROLES, 'roles')}`]
  }
  if (path[0] === 'reply' && issue.code === 'invalid_union') return [`${field}: must be text, an object or an array`]
  return [`${field}: ${issue.message}`]
}

function toHint(word: string, known: readonly string[], what: string): string {
  const nearest = toNearest(word, known)
  return nearest ? `; did you mean "${nearest}"?` : `; the ${what} are ${known.join(', ')}`
}

/** @throws Error for a regular expression that is none. */
export function toMatcher(when: string | undefined): (text: string) => boolean {
  if (when === undefined) return () => true
  const regex = /^\/(.+)\/([a-z]*)$/s.exec(when)
  if (!regex) return (text) => text.includes(when)
  // g and y make a RegExp remember its last match; here every text is new.
  const pattern = new RegExp(regex[1] ?? '', (regex[2] ?? '').replaceAll(/[gy]/g, ''))
  return (text) => pattern.test(text)
}
