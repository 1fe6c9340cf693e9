import { ApplicationFailure } from '@temporalio/common'
import type { Egress } from '../egress/egress.ts'
import { ServiceUnavailable } from '../egress/undo-context.ts'
import type { EgressActivities } from '../run/ports.ts'
import { withHeartbeat } from './heartbeat.ts'

/** Activities of the role egress. What may wait for a service heartbeats; `perform` is never given up in the middle. */
export function createEgressActivities(egress: Egress): EgressActivities {
  return {
    claimRun: (args) => egress.claimRun(args),
    openSession: (args) => egress.openSession(args),
    closeSession: (args) => egress.closeSession(args),
    captureBefore: (args) => egress.captureBefore(args),
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
