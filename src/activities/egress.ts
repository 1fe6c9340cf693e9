import { ApplicationFailure } from '@temporalio/common'
import type { Claims } from '../egress/claims/claims.ts'
import { listSent, recallSent } from '../egress/claims/sent.ts'
import type { Egress } from '../egress/egress.ts'
import { ServiceUnavailable } from '../egress/undo-context.ts'
import { shortenDiff } from '../run/diff.ts'
import type { PerformOutcome } from '../run/effect.ts'
import type { EgressActivities } from '../run/ports.ts'
import { withHeartbeat } from './heartbeat.ts'

/** Activities of the role egress. All heartbeat, so that a killed worker is noticed soon; `perform` is never given up in the middle. */
export function createEgressActivities(egress: Egress, claims: Claims): EgressActivities {
  return {
    claimRun: (args) => withHeartbeat(() => egress.claimRun(args)),
    openSession: (args) =>
      withHeartbeat(async () => {
        const [{ socket }, sent] = await Promise.all([egress.openSession(args), listSent(claims, args.run)])
        return { socket, sent }
      }),
    recall: ({ run, effects }) => withHeartbeat(() => recallSent(claims, run, effects)),
    closeSession: (args) => withHeartbeat(() => egress.closeSession(args)),
    captureBefore: (args) => withHeartbeat(() => egress.captureBefore(args)),
    perform: (args) => withHeartbeat(async () => shorten(await egress.perform(args))),
    settle: (args) => withHeartbeat(async () => shorten(await egress.settle(args))),
    callTool: (args) => withHeartbeat((signal) => egress.callTool(args, signal)),
    undo: (args) =>
      withHeartbeat(async () => {
        try {
          const outcome = await egress.undo(args)
          return { ...outcome, drift: shortenDiff(outcome.drift) }
        } catch (error) {
          if (!(error instanceof ServiceUnavailable)) throw error
          throw ApplicationFailure.retryable(error.message, 'ServiceUnavailable')
        }
      }),
  }
}

/** A resource of a hundred thousand fields must not make the run's history so large that it can not go on. */
function shorten(outcome: PerformOutcome): PerformOutcome {
  return outcome.kind === 'performed' ? { ...outcome, diff: shortenDiff(outcome.diff) } : outcome
}
