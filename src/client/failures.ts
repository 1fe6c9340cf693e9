import { isGrpcServiceError, WorkflowUpdateFailedError } from '@temporalio/client'
import { ApplicationFailure, NamespaceNotFoundError, WorkflowNotFoundError } from '@temporalio/common'
import { errors, isRecourseErrorCode, RecourseError } from './errors.ts'
import type { Place } from './errors.ts'

/** gRPC status codes, by number: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const STATUS = {
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  failedPrecondition: 9,
  unavailable: 14,
}

/**
 * Turns whatever Temporal throws into a `RecourseError`.
 * @param what What was tried, as the start of a sentence, e.g. `run "x" cannot be read`.
 */
export function toRecourseError(
  error: unknown,
  context: { what: string; id: string | null; place: Place },
): RecourseError {
  const { what, id, place } = context
  const options = { cause: error }
  for (const cause of causes(error)) {
    if (cause instanceof RecourseError) return cause
    if (cause instanceof NamespaceNotFoundError) return errors.noNamespace(place, options)
    if (cause instanceof WorkflowNotFoundError && id !== null) return errors.runNotFound(id, place, options)
    if (cause instanceof WorkflowUpdateFailedError) continue
    if (cause instanceof ApplicationFailure) {
      return new RecourseError(
        isRecourseErrorCode(cause.type) ? cause.type : 'REFUSED',
        `${what}: ${cause.message}`,
        options,
      )
    }
    if (!isGrpcServiceError(cause)) continue
    if (cause.code === STATUS.unavailable) return errors.unreachable(place, options)
    // At the deadline the server may end the call first, and then it says "cancelled".
    if (cause.code === STATUS.deadlineExceeded || cause.code === STATUS.cancelled) {
      return errors.noWorker(what, place, options)
    }
    if (cause.code === STATUS.failedPrecondition && /no poller|worker/i.test(cause.details)) {
      return errors.noWorker(what, place, options)
    }
    if (cause.code === STATUS.notFound && id !== null) return errors.runNotFound(id, place, options)
    if (cause.code === STATUS.invalidArgument && /search attribute/i.test(cause.details)) {
      return errors.notPrepared(place, options)
    }
    return new RecourseError('REFUSED', `${what}: ${cause.details}`, options)
  }
  return new RecourseError('REFUSED', `${what}: ${error instanceof Error ? error.message : String(error)}`, options)
}

function* causes(error: unknown): Generator {
  // An error may name itself as its cause.
  const seen = new Set<unknown>()
  for (let cause = error; cause instanceof Error && !seen.has(cause); cause = cause.cause) {
    seen.add(cause)
    yield cause
  }
}
