import { ApplicationFailure } from '@temporalio/common'
import { APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai'
import type { Role } from './config.ts'

/**
 * The one place where a provider's trouble becomes a retry class. What leaves it holds no headers and no key: a failure
 * ends up in a workflow's history, where everybody who may look at a run reads it.
 */

type FailureKind =
  | 'auth'
  | 'forbidden'
  | 'not-found'
  | 'invalid-request'
  | 'too-large'
  | 'content-filter'
  | 'rate-limited'
  | 'quota'
  | 'conflict'
  | 'overloaded'
  | 'server'
  | 'unreachable'
  | 'dns'
  | 'tls'
  | 'timeout'
  | 'aborted'
  | 'malformed'
  | 'unknown'

export interface ModelFailure {
  readonly kind: FailureKind
  /** Whether the same request may succeed later without anybody changing anything. */
  readonly retryable: boolean
  /** Milliseconds the provider asked to wait, at most an hour. */
  readonly nextRetryDelayMs?: number
  readonly message: string
}

/** Whose request failed; the key is only here to be taken out of what the provider says. */
export interface FailureContext {
  readonly role: Role
  readonly model: string
  readonly baseURL: string
  readonly apiKey: string
}

/** Thrown by `Models`. Its cause is a plain error with a scrubbed message. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
  readonly failure: ModelFailure

  constructor(failure: ModelFailure, cause: Error) {
    super(failure.message, { cause })
    this.failure = failure
  }
}

/** The server answered 200 with something that is not a chat completion. */
export class MalformedAnswer extends Error {
  override readonly name = 'MalformedAnswer'
}

const LONGEST_DELAY_MS = 3_600_000

/** Maps whatever a request to a model can throw to its retry class. Throws nothing. */
export function toModelError(error: unknown, context: FailureContext): ModelError {
  if (error instanceof ModelError) return error
  const said = scrub(wordsOf(error), context.apiKey)
  const cause = new Error(said)
  cause.name = error instanceof Error ? error.constructor.name : 'Error'
  // Frames of this function tell nobody anything.
  cause.stack = `${cause.name}: ${said}`
  return new ModelError(toModelFailure(error, context), cause)
}

function toModelFailure(error: unknown, context: FailureContext): ModelFailure {
  const { kind, retryable, what, next } = classify(error)
  const said = scrub(wordsOf(error), context.apiKey)
  const whose = `The ${context.role}'s model ${context.model} at ${toPublicUrl(context.baseURL)}`
  const nextRetryDelayMs = retryable && error instanceof APIError ? toDelay(error.headers) : undefined
  return {
    kind,
    retryable,
    ...(nextRetryDelayMs === undefined ? {} : { nextRetryDelayMs }),
    message: `${whose} ${what}${said ? ` (${said})` : ''}. ${next}`,
  }
}

/** As Temporal retries it. The type is `model.<kind>`, for retry policies that name types. */
export function toApplicationFailure(error: ModelError): ApplicationFailure {
  const { kind, retryable, nextRetryDelayMs, message } = error.failure
  return ApplicationFailure.create({
    message,
    type: `model.${kind}`,
    nonRetryable: !retryable,
    ...(nextRetryDelayMs === undefined ? {} : { nextRetryDelay: nextRetryDelayMs }),
    ...(error.cause instanceof Error ? { cause: error.cause } : {}),
  })
}

interface Class {
  readonly kind: FailureKind
  readonly retryable: boolean
  /** Follows "The planner's model X at URL". */
  readonly what: string
  /** What to do, or what happens, next. */
  readonly next: string
}

const RETRIED = 'It is tried again a bounded number of times.'

function classify(error: unknown): Class {
  if (error instanceof APIUserAbortError) {
    return {
      kind: 'aborted',
      retryable: false,
      what: 'was not waited for: the call was cancelled',
      next: 'Nothing is left to do.',
    }
  }
  if (error instanceof APIConnectionTimeoutError) return TIMEOUT
  if (error instanceof APIError && typeof error.status === 'number') return classifyStatus(error.status, error)
  if (error instanceof MalformedAnswer || error instanceof SyntaxError) {
    return {
      kind: 'malformed',
      retryable: true,
      what: 'answered something that is not a chat completion',
      next: `${RETRIED} If it stays so, check that baseURL is an OpenAI-compatible API (it usually ends in /v1).`,
    }
  }
  return classifyCode(codeOf(error))
}

const TIMEOUT: Class = {
  kind: 'timeout',
  retryable: true,
  what: 'did not answer in time',
  next: `${RETRIED} If it stays so, raise timeoutMs of this model in the config.`,
}

function classifyStatus(status: number, error: APIError): Class {
  const code = typeof error.code === 'string' ? error.code : ''
  const fatal = (kind: FailureKind, what: string, next: string): Class => ({ kind, retryable: false, what, next })
  const passing = (kind: FailureKind, what: string): Class => ({ kind, retryable: true, what, next: RETRIED })
  if (status === 402 || code === 'insufficient_quota' || error.type === 'insufficient_quota') {
    return fatal(
      'quota',
      'has no quota left',
      'Add credit or raise the limit at the provider, then start the run again.',
    )
  }
  if (code === 'content_filter' || code === 'content_policy_violation') {
    return fatal('content-filter', 'refused the prompt by its content filter', 'Rephrase the request.')
  }
  if (status === 413 || code === 'context_length_exceeded') {
    return fatal(
      'too-large',
      'can not take a prompt of this size',
      'Shorten request or input, or use a model with a longer context.',
    )
  }
  if (status === 401) return fatal('auth', 'refused the key', 'Check apiKey of this model in the config.')
  if (status === 403)
    return fatal('forbidden', 'does not allow this key to use it', 'Check what the key may do at the provider.')
  if (status === 404) return fatal('not-found', 'does not exist there', 'Check model and baseURL in the config.')
  if (status === 408) return TIMEOUT
  if (status === 409) return passing('conflict', 'was busy with a conflicting request')
  if (status === 429) return passing('rate-limited', 'limits the rate of requests')
  if (status === 503 || status === 529) return passing('overloaded', 'is overloaded')
  if (status >= 500) return passing('server', `failed with status ${status}`)
  return fatal(
    'invalid-request',
    `refused the request with status ${status}`,
    'Check the settings of this model in the config.',
  )
}

function classifyCode(code: string): Class {
  if (/^(ENOTFOUND|EAI_|EDNS)/.test(code)) {
    return {
      kind: 'dns',
      retryable: true,
      what: 'could not be found by name',
      next: `${RETRIED} Check baseURL in the config.`,
    }
  }
  if (/CERT|^ERR_(SSL|TLS)|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|HOSTNAME_MISMATCH|^EPROTO$/.test(code)) {
    return {
      kind: 'tls',
      retryable: false,
      what: 'could not be reached securely',
      next: 'Check the scheme of baseURL and the certificate; NODE_EXTRA_CA_CERTS names a file of further authorities.',
    }
  }
  if (/TIMEOUT|ETIMEDOUT/.test(code)) return TIMEOUT
  if (/^(ECONN|EHOST|ENET|EPIPE|EADDR|UND_ERR)/.test(code)) {
    return {
      kind: 'unreachable',
      retryable: true,
      what: 'could not be reached',
      next: `${RETRIED} Check that the server runs and that baseURL in the config is its address.`,
    }
  }
  return { kind: 'unknown', retryable: true, what: 'could not be asked', next: RETRIED }
}

/** The innermost system or TLS code; fetch wraps it in up to three errors. */
function codeOf(error: unknown): string {
  const found = chainOf(error).map((each) => ('code' in each && typeof each.code === 'string' ? each.code : ''))
  return found.findLast((code) => code !== '') ?? ''
}

function chainOf(error: unknown): Error[] {
  const chain: Error[] = []
  for (let each = error; each instanceof Error && chain.length < 8;) {
    chain.push(each)
    each = each instanceof AggregateError && each.cause === undefined ? each.errors[0] : each.cause
  }
  return chain
}

/** What the provider or the system said, without the wrapping. */
function wordsOf(error: unknown): string {
  if (error instanceof APIError && typeof error.status === 'number') return error.message
  const chain = chainOf(error)
  const said = chain.findLast((each) => each.message !== '')?.message ?? String(error)
  const code = codeOf(error)
  return code !== '' && !said.includes(code) ? `${code}: ${said}` : said
}

/** Takes the key, and whatever looks like one, out of a text, then cuts the text. */
function scrub(text: string, apiKey: string): string {
  // Shorter texts than this are stand-ins for servers without keys, and would blank out ordinary words.
  const known = apiKey.length >= 6 ? text.replaceAll(apiKey, '[key]') : text
  return known
    .replaceAll(/\b(?:sk|pk|key|gsk|xai)-[\w*.-]{6,}/gi, '[key]')
    .replaceAll(/\b(Bearer|Basic)\s+[^\s"',;]+/gi, '$1 [key]')
    .replaceAll(/\/\/[^/@\s]+@/g, '//[key]@')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 500)
}

/** Without user, password and query, which may hold a key. */
function toPublicUrl(url: string): string {
  if (!URL.canParse(url)) return 'an address that is no URL'
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname === '/' ? '' : pathname}`
}

/** Milliseconds from `retry-after-ms` or `Retry-After` (seconds or a date, RFC 9110 10.2.3); undefined: none or nonsense. */
function toDelay(headers: Headers | undefined): number | undefined {
  const milliseconds = headers?.get('retry-after-ms')
  const after = headers?.get('retry-after')
  let delay = Number.NaN
  if (milliseconds) delay = Number(milliseconds)
  if (Number.isNaN(delay) && after) {
    delay = /^\s*[\d.]+\s*$/.test(after) ? Number(after) * 1000 : Date.parse(after) - Date.now()
  }
  if (Number.isNaN(delay) || delay <= 0) return undefined
  return Math.ceil(Math.min(delay, LONGEST_DELAY_MS))
}
