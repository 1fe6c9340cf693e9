import { QueryNotRegisteredError, ServiceError, WorkflowUpdateFailedError } from '@temporalio/client'
import { ApplicationFailure, NamespaceNotFoundError, WorkflowNotFoundError } from '@temporalio/common'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES, errors } from '../../../src/client/errors.ts'
import { toRecourseError } from '../../../src/client/failures.ts'

const place = { address: 'h:1', namespace: 'n', taskQueue: 'q' }
const context = { what: 'run "x" cannot be read', id: 'x', place }

function grpc(code: number, details: string): Error {
  return new ServiceError('Failed', { cause: Object.assign(new Error(details), { code, details, metadata: {} }) })
}
const refused = (type: string) =>
  new WorkflowUpdateFailedError('Workflow Update failed', ApplicationFailure.nonRetryable('said no', type))

describe('toRecourseError', () => {
  it.each<[string, Error, string, string]>([
    [
      'unknown run',
      new WorkflowNotFoundError('no', 'x', undefined),
      'RUN_NOT_FOUND',
      'there is no run "x" in namespace n of h:1; list those there are with: recourse runs',
    ],
    [
      'unknown namespace',
      new NamespaceNotFoundError('n'),
      'NOT_READY',
      'Temporal at h:1 has no namespace "n"; create it with: temporal operator namespace create --namespace n',
    ],
    [
      'down',
      grpc(14, 'connection refused'),
      'UNREACHABLE',
      'Temporal at h:1 does not answer; start it with: recourse up, or name another with --address or TEMPORAL_ADDRESS',
    ],
    [
      'no worker in time',
      grpc(4, 'deadline'),
      'NO_WORKER',
      'run "x" cannot be read: Temporal at h:1 answers, but no worker on task queue "q" does; start one with: recourse up',
    ],
    [
      'no worker polled',
      grpc(9, 'no poller seen for task queue recently, worker may be down'),
      'NO_WORKER',
      'run "x" cannot be read: Temporal at h:1 answers, but no worker on task queue "q" does; start one with: recourse up',
    ],
    [
      'search attributes',
      grpc(3, 'Namespace n has no mapping defined for search attribute RecoursePhase'),
      'NOT_READY',
      'namespace "n" of h:1 does not know the search attributes of Recourse, which a worker registers when it starts; start one with: recourse up',
    ],
    ['anything else', grpc(8, 'too many requests'), 'REFUSED', 'run "x" cannot be read: too many requests'],
    ['a refusal of the run', refused('STALE_DIGEST'), 'STALE_DIGEST', 'run "x" cannot be read: said no'],
    ['a refusal we do not know', refused('ATTEMPT_CLOSED'), 'REFUSED', 'run "x" cannot be read: said no'],
    [
      'a query nobody answers',
      new QueryNotRegisteredError('no such query', 3),
      'REFUSED',
      'run "x" cannot be read: no such query',
    ],
    [
      'one of ours',
      errors.noDecision('x', 'acting'),
      'NO_DECISION',
      'run "x" waits for no decision: it is acting; look at it with: recourse show x',
    ],
  ])('%s', (_what, error, code, message) => {
    expect(toRecourseError(error, context)).toMatchObject({ name: 'RecourseError', code, message })
  })

  it('keeps the cause, and survives an error that causes itself', () => {
    const error: Error = new Error('round')
    error.cause = error
    expect(toRecourseError(error, context)).toMatchObject({ code: 'REFUSED', cause: error })
  })

  it('has no code that nothing uses', () => {
    const made = [
      errors.runNotFound('x', place),
      errors.runSettled('x', 'be undone', 'undone', null),
      errors.noDecision('x', 'acting'),
      errors.wrongAnswer('x', 'approve', 'confirm', ['confirm', 'undo']),
      errors.noWorker('x', place),
      errors.unreachable(place),
      errors.notPrepared(place),
      errors.waitTimeout('x', 1, null),
      errors.invalidRequest('x'),
      errors.invalidId('x', 'y'),
      toRecourseError(refused('STALE_DIGEST'), context),
      toRecourseError(grpc(8, 'x'), context),
    ]
    expect(new Set(made.map((error) => error.code))).toEqual(new Set(ERROR_CODES))
  })
})

describe('messages', () => {
  it('say when a run settled and how to go on', () => {
    expect(errors.runSettled('x', 'be undone', 'undone', new Date(0)).message).toBe(
      'run "x" cannot be undone: it is undone since 1970-01-01T00:00:00.000Z; read it with: recourse report x',
    )
    expect(errors.wrongAnswer('x', 'approve', 'confirm', ['confirm', 'undo']).message).toBe(
      'run "x" waits for a confirmation, which "approve" does not answer; answer with: recourse confirm x or recourse undo x',
    )
    expect(errors.nothingToCancel('x', 'confirmed').message).toBe(
      'run "x" cannot be cancelled: it is confirmed; take back what it did with: recourse undo x',
    )
  })
})
