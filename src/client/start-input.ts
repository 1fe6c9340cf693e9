import { z } from 'zod'
import { REQUEST_LIMIT, RunInput } from '../run/input.ts'
import type { Announcement, Language, Plan } from '../run/plan.ts'
import { errors } from './errors.ts'

export interface StartOptions {
  /** Name of an agent in the config of the worker. */
  agent: string
  /** Plain language. May be left out with `plan` or `code`; then it only says what the run is for. */
  request?: string
  /** Data for planner, coder and tools; JSON. Never concatenated into instructions. */
  input?: Record<string, unknown>
  /** The run's id. The same id twice is one run, for ever. Default: a new one. */
  id?: string
  /** On whose behalf, e.g. a user id. */
  requester?: string
  /** A plan instead of a planner. */
  plan?: z.input<typeof Plan>
  /** Code instead of planner and coder. */
  code?: string
  /** Needed with `code`. */
  language?: Language
  /** What the code will touch. Without it, the code announces all that the agent may touch. */
  announce?: Announcement[]
  /** Who confirms; can only tighten the agent's policy. */
  confirm?: 'human' | 'judge' | 'auto'
}

const KEYS: readonly string[] = [
  'agent',
  'request',
  'input',
  'id',
  'requester',
  'plan',
  'code',
  'language',
  'announce',
  'confirm',
] satisfies (keyof StartOptions)[]

/** Temporal takes two megabytes in one message; this leaves room for what goes with it. */
const INPUT_BYTES = 1_000_000

/**
 * Checks what a caller wants to start.
 * @throws RecourseError INVALID_REQUEST naming everything that is wrong.
 */
export function toRunInput(options: StartOptions, taskQueue: string): RunInput {
  const { agent, request, input, requester, plan, code, language, announce, confirm } = options
  const problems: string[] = Object.keys(options)
    .filter((key) => !KEYS.includes(key))
    .map((key) => `${key}: unknown; start takes ${KEYS.join(', ')}`)
  if (plan !== undefined && code !== undefined) problems.push('plan and code: give one of them')
  if (code === undefined && (language !== undefined || announce !== undefined)) {
    problems.push(`${language === undefined ? 'announce' : 'language'}: only means something with code`)
  }
  if (request === undefined && plan === undefined && code === undefined) {
    problems.push('request: missing; say what is to be done, or hand in a plan or code')
  }
  if (typeof request === 'string' && request.trim() === '') {
    problems.push('request: it is empty; say what is to be done')
  }
  if (typeof request === 'string' && request.length > REQUEST_LIMIT) {
    problems.push(
      `request: it has ${request.length} characters, and ${REQUEST_LIMIT} are the most; put data into "input" instead`,
    )
  }
  if (problems.length > 0) throw invalid(problems)

  const parsed = RunInput.safeParse({
    agent,
    request: request ?? (plan === undefined ? 'Run the given code' : 'Carry out the given plan'),
    input: input ?? {},
    requester: requester ?? null,
    plan: plan ?? null,
    given: code === undefined ? null : { code, language, ...(announce !== undefined && { announce }) },
    confirm: confirm ?? null,
    taskQueue,
  })
  if (!parsed.success) {
    throw invalid(
      parsed.error.issues.map((issue) => {
        // The caller wrote `code`, not `given.code`.
        const path = issue.path[0] === 'given' && issue.path.length > 1 ? issue.path.slice(1) : issue.path
        return `${path.join('.')}: ${issue.message}`
      }),
    )
  }
  let size: number
  try {
    size = Buffer.byteLength(JSON.stringify(parsed.data))
  } catch (error) {
    throw errors.invalidRequest(`the run cannot be started:\n  input: it is not JSON (${String(error)})`, {
      cause: error,
    })
  }
  if (size > INPUT_BYTES) {
    throw invalid([
      `input: the run takes ${size} bytes in all, and ${INPUT_BYTES} are the most; hand over a reference instead`,
    ])
  }
  return parsed.data
}

function invalid(problems: readonly string[]): Error {
  return errors.invalidRequest(['the run cannot be started:', ...problems].join('\n  '))
}
