import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Blobs } from '../../blobs/blobs.ts'
import type { ConnectorSnapshot } from '../../run/agent.ts'
import type { PerformedEffect } from '../../run/ports.ts'
import { sendRead } from '../connectors/http.ts'
import type { Upstreams } from '../connectors/http.ts'
import { toAnswerHeaders, toRequestHeaders } from '../headers.ts'
import { isMethod, isRead, toCanonicalRequest, toEffectRequest } from '../requests.ts'
import type { CanonicalRequest } from '../requests.ts'
import type { SendEffect } from './in-flight.ts'
import { approvalNeeded, denied, sessionClosed, unavailable, unknownOutcome, unreachable } from './problems.ts'
import type { Problem } from './problems.ts'
import { recordDenial } from './session.ts'
import type { Session } from './session.ts'

/** Longest request body, bytes. */
export const BODY_LIMIT = 1024 * 1024
/** Bytes of an over-long body that are read and dropped, so that its sender gets to read the answer. */
const DRAIN_LIMIT = 64 * BODY_LIMIT

export interface HandlePorts {
  readonly blobs: Blobs
  readonly upstreams: Upstreams
  readonly sendEffect: SendEffect
  /** Told of every exchange, for the log. Must not throw. */
  readonly onExchange?: (exchange: Exchange) => void
}

export interface Exchange {
  readonly run: string
  readonly step: string
  readonly kind: 'read' | 'effect' | 'denied'
  readonly connector: string
  readonly method: string
  readonly target: string
  readonly status: number
  /** Bytes of the answer. */
  readonly size: number
  readonly durationMs: number
}

interface Answer {
  readonly kind: Exchange['kind']
  readonly connector: string
  readonly target: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Answers one request of a session: decided on its canonical form, rebuilt, never relayed. */
export async function handle(
  ports: HandlePorts,
  session: Session,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const started = performance.now()
  const answer = await unlessClosed(
    session,
    answerTo(ports, session, request).catch(() => toAnswer(unavailable, 'denied')),
  )
  write(request, response, answer, session.closed.signal.aborted)
  const { kind, connector, target, status, body } = answer
  const { run, step } = session.spec
  const durationMs = performance.now() - started
  const method = request.method ?? ''
  ports.onExchange?.({ run, step, kind, connector, method, target, status, size: body.length, durationMs })
}

async function answerTo(ports: HandlePorts, session: Session, request: IncomingMessage): Promise<Answer> {
  const { spec } = session
  const { method = '', url = '' } = request
  const refuse = (reason: string, connector: string, status?: number): Answer => {
    recordDenial(session, { connector, method, target: url, reason })
    return { ...toAnswer(denied(reason, status), 'denied'), connector, target: url }
  }
  const body = await collect(request)
  const host = hostOf(request)
  const connector = host === null ? undefined : spec.connectors.find((each) => isHostOf(each, host))
  if (host === null) return refuse('a request must have exactly one Host header', 'unknown')
  if (!connector) return refuse(`${host} is not a connector that this step may reach`, host)
  if (!isMethod(method)) return refuse(`the method ${method} is not passed on`, connector.name)
  if (body === null) return refuse(`the body is longer than ${BODY_LIMIT} bytes`, connector.name, 413)
  if (/[^,\s]/.test((request.headers['content-encoding'] ?? '').replaceAll(/identity/gi, ''))) {
    return refuse('the body is compressed; send it as it is', connector.name, 415)
  }
  const canonical = toCanonicalRequest(connector, method, url)
  if (!canonical.ok) return refuse(canonical.reason, connector.name)
  const headers = toRequestHeaders(request.headers)
  if (isRead(canonical.request)) return await read(ports, canonical.request, headers, body)
  return await effect(ports, session, canonical.request, headers, body)
}

async function read(
  { upstreams }: HandlePorts,
  { connector, method, target }: CanonicalRequest,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Promise<Answer> {
  const answer = await sendRead(upstreams.get(connector.name), { method, target, headers, body })
  const about = { kind: 'read', connector: connector.name, target } as const
  if (answer.kind !== 'answer') return { ...toAnswer(unreachable(answer.reason), 'read'), ...about }
  if (!answer.complete) return { ...toAnswer(unreachable(answer.reason ?? 'it broke off'), 'read'), ...about }
  const length = answer.headers['content-length']
  const kept = toAnswerHeaders(answer.headers)
  // A HEAD has no body, but its length is what it was asked for.
  const sized = method === 'HEAD' && typeof length === 'string'
  const shown = sized ? { ...kept, 'content-length': length } : kept
  return { ...about, status: answer.status, headers: shown, body: answer.body }
}

async function effect(
  ports: HandlePorts,
  session: Session,
  canonical: CanonicalRequest,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Promise<Answer> {
  const { run, step, generation, attempt } = session.spec
  const request = await toEffectRequest(canonical, headers, body, ports.blobs)
  // What closed while its body was stored must not become an effect.
  if (session.closed.signal.aborted) return toAnswer(sessionClosed, 'denied')
  const updateId = `effect-${attempt}-${(session.effects += 1)}`
  const about = { kind: 'effect', connector: request.connector, target: request.target } as const
  let performed: PerformedEffect
  try {
    performed = await ports.sendEffect(run, { step, generation, attempt, request }, updateId)
  } catch (error) {
    return { ...toAnswer(isFence(error) ? sessionClosed : unavailable, 'effect'), ...about }
  }
  switch (performed.kind) {
    case 'answered': {
      const bytes = performed.body ? await ports.blobs.get(performed.body) : new Uint8Array()
      return { ...about, status: performed.status, headers: performed.headers, body: bytes }
    }
    case 'held': {
      const text = JSON.stringify(performed.body ?? null)
      const json = { 'content-type': 'application/json' }
      return { ...about, status: performed.status, headers: json, body: Buffer.from(text, 'utf8') }
    }
    case 'denied':
      recordDenial(session, { ...request, reason: performed.reason })
      return { ...toAnswer(denied(performed.reason), 'denied'), connector: about.connector, target: about.target }
    case 'parked':
      return { ...toAnswer(approvalNeeded(performed.reason), 'effect'), ...about }
    case 'unknown':
      return { ...toAnswer(unknownOutcome(performed.reason), 'effect'), ...about }
  }
}

/** True where the run said that this attempt is over. */
function isFence(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('type' in at && at.type === 'ATTEMPT_CLOSED') return true
    // The run itself is over.
    if (at.name === 'WorkflowNotFoundError') return true
  }
  return false
}

/** null: longer than the limit. @throws when its sender breaks off. */
async function collect(request: IncomingMessage): Promise<Uint8Array | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= BODY_LIMIT) chunks.push(chunk)
    else if (size > DRAIN_LIMIT) break
  }
  return size > BODY_LIMIT ? null : Buffer.concat(chunks)
}

/** The one Host header, lower case. Two of them mean that somebody wants to be read in two ways. */
function hostOf({ rawHeaders }: IncomingMessage): string | null {
  const hosts = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host')
  return hosts.length === 1 && hosts[0] ? hosts[0].toLowerCase() : null
}

function isHostOf(connector: ConnectorSnapshot, host: string): boolean {
  if (host === `${connector.host}:${connector.port}`) return true
  return host === connector.host && new URL(connector.url).port === ''
}

/** What is under way when the session is closed gets no other answer. */
async function unlessClosed({ closed: { signal } }: Session, answer: Promise<Answer>): Promise<Answer> {
  if (signal.aborted) return toAnswer(sessionClosed, 'denied')
  const { promise, resolve } = Promise.withResolvers<Answer>()
  const onClose = () => resolve(toAnswer(sessionClosed, 'denied'))
  signal.addEventListener('abort', onClose)
  try {
    return await Promise.race([answer, promise])
  } finally {
    signal.removeEventListener('abort', onClose)
  }
}

function toAnswer(problem: Problem, kind: Exchange['kind']): Answer {
  return {
    kind,
    connector: '',
    target: '',
    status: problem.status,
    headers: { 'content-type': 'application/problem+json', 'x-recourse': 'policy' },
    body: Buffer.from(JSON.stringify(problem), 'utf8'),
  }
}

function write(request: IncomingMessage, response: ServerResponse, answer: Answer, last: boolean): void {
  if (response.destroyed || response.headersSent) return
  const { status, headers, body } = answer
  const bodiless = status === 204 || status === 304
  const length = bodiless || request.method === 'HEAD' ? {} : { 'content-length': String(body.length) }
  // Where the request was not read to its end, what is left of it must not be taken for the next one.
  const close = last || !request.complete ? { connection: 'close' } : {}
  response.writeHead(status, { ...headers, ...length, ...close })
  response.end(bodiless || request.method === 'HEAD' ? undefined : body)
}
