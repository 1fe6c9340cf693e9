import { ApplicationFailure } from '@temporalio/common'
import type { Claims } from '../egress/claims/claims.ts'
import { listSent, recallSent } from '../egress/claims/sent.ts'
import type { Egress } from '../egress/egress.ts'
import { ServiceUnavailable } from '../egress/undo-context.ts'
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
    perform: (args) => withHeartbeat(() => egress.perform(args)),
    settle: (args) => withHeartbeat(() => egress.settle(args)),
    callTool: (args) => withHeartbeat((signal) => egress.callTool(args, signal)),
    undo: (args) =>
      withHeartbeat(async () => {
        try {
          return await egress.undo(args)
        } catch (error) {
          if (!(error instanceof ServiceUnavailable)) throw error
          throw ApplicationFailure.retryable(error.message, 'ServiceUnavailable')
        }
      }),
  }
}
