import { type Phase, SETTLED } from '../run/view.ts'

/** Everything the client can refuse or fail with; each message says what happened, why, and what to do next. */
export const ERROR_CODES = [
  /** Nothing like that was ever started here, or it is no longer kept. */
  'RUN_NOT_FOUND',
  /** The run is over: there is nothing left to decide, cancel or undo. */
  'RUN_SETTLED',
  /** The answer is for something that has changed since it was shown. */
  'STALE_DIGEST',
  /** The run does not wait for that decision. */
  'NO_DECISION',
  /** The open decision is not answered in that way. */
  'INVALID_ANSWER',
  /** What was asked for cannot be started as it stands. */
  'INVALID_REQUEST',
  /** A run id that cannot be one. */
  'INVALID_ID',
  /** Temporal answers, but no worker does. */
  'NO_WORKER',
  /** Temporal does not answer. */
  'UNREACHABLE',
  /** The namespace is not there, or was never prepared by a worker. */
  'NOT_READY',
  /** A wait came to its own end. */
  'WAIT_TIMEOUT',
  /** Temporal or the run refused for a reason that has no code of its own. */
  'REFUSED',
] as const
export type RecourseErrorCode = (typeof ERROR_CODES)[number]

export class RecourseError extends Error {
  override readonly name = 'RecourseError'
  readonly code: RecourseErrorCode

  constructor(code: RecourseErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

export function isRecourseErrorCode(text: unknown): text is RecourseErrorCode {
  return ERROR_CODES.some((code) => code === text)
}

/** Where a client is connected to, for messages. */
export interface Place {
  readonly address: string
  readonly namespace: string
  readonly taskQueue: string
}

type Options = { cause?: unknown }

/** Composes every message in one place. */
export const errors = {
  runNotFound: (id: string, place: Place, options?: Options) =>
    new RecourseError(
      'RUN_NOT_FOUND',
      `there is no run "${id}" in namespace ${place.namespace} of ${place.address}; list those there are with: recourse runs`,
      options,
    ),
  notARun: (id: string, type: string) =>
    new RecourseError('RUN_NOT_FOUND', `"${id}" is a workflow of type ${type}, not a run of Recourse`),
  runSettled: (id: string, tried: string, phase: string, when: Date | null, options?: Options) =>
    new RecourseError(
      'RUN_SETTLED',
      `run "${id}" cannot ${tried}: it is ${phase}${when ? ` since ${when.toISOString()}` : ''}; read it with: recourse report ${id}`,
      options,
    ),
  nothingToCancel: (id: string, phase: string) =>
    new RecourseError(
      'RUN_SETTLED',
      `run "${id}" cannot be cancelled: it is ${phase}; take back what it did with: recourse undo ${id}`,
    ),
  noDecision: (id: string, phase: string) =>
    new RecourseError(
      'NO_DECISION',
      `run "${id}" waits for no decision: it is ${phase}; look at it with: recourse show ${id}`,
    ),
  wrongAnswer: (id: string, answer: string, kind: string, allowed: readonly string[]) =>
    new RecourseError(
      'INVALID_ANSWER',
      `run "${id}" waits for ${kind === 'approve' ? 'an approval' : 'a confirmation'}, which "${answer}" does not answer; answer with: ${allowed.map((verb) => `recourse ${verb} ${id}`).join(' or ')}`,
    ),
  noWorker: (what: string, place: Place, options?: Options) =>
    new RecourseError(
      'NO_WORKER',
      `${what}: Temporal at ${place.address} answers, but no worker on task queue "${place.taskQueue}" does; start one with: recourse up`,
      options,
    ),
  unreachable: (place: Place, options?: Options) =>
    new RecourseError(
      'UNREACHABLE',
      `Temporal at ${place.address} does not answer; start it with: recourse up, or name another with --address or TEMPORAL_ADDRESS`,
      options,
    ),
  noNamespace: (place: Place, options?: Options) =>
    new RecourseError(
      'NOT_READY',
      `Temporal at ${place.address} has no namespace "${place.namespace}"; create it with: temporal operator namespace create --namespace ${place.namespace}`,
      options,
    ),
  notPrepared: (place: Place, options?: Options) =>
    new RecourseError(
      'NOT_READY',
      `namespace "${place.namespace}" of ${place.address} does not know the search attributes of Recourse, which a worker registers when it starts; start one with: recourse up`,
      options,
    ),
  takingUp: (id: string) =>
    new RecourseError('NOT_READY', `run "${id}" is just being taken up again by a worker; ask again in a moment`),
  neverComes: (id: string, phase: Phase) =>
    new RecourseError(
      'RUN_SETTLED',
      SETTLED.has(phase)
        ? `run "${id}" is closed and stays ${phase}, so what was waited for does not come; read it with: recourse report ${id}`
        : `run "${id}" was ended from outside while it was ${phase}, so what it did stands; look at it with: recourse show ${id}`,
    ),
  waitTimeout: (id: string, ms: number, phase: string | null) =>
    new RecourseError(
      'WAIT_TIMEOUT',
      `run "${id}" ${phase === null ? 'gave no answer' : `is still ${phase}`} after ${ms} ms; it goes on: look at it with: recourse show ${id}`,
    ),
  invalidRequest: (message: string, options?: Options) => new RecourseError('INVALID_REQUEST', message, options),
  invalidId: (id: string, why: string) =>
    new RecourseError('INVALID_ID', `${JSON.stringify(id.slice(0, 80))} cannot be the id of a run: ${why}`),
}
