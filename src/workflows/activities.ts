import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow'
import type { TaskQueues } from '../run/names.ts'
import type { EgressActivities, ModelActivities, RunActivities, SandboxActivities } from '../run/ports.ts'

/**
 * The activities a run calls, each with the timeout class of what it does.
 *
 * - `model`: minutes; a provider's failure says itself whether and when to try again. Attempts are bounded: each costs money.
 * - `sandbox`: one attempt; the workflow decides what a lost execution means.
 * - `egress.perform`: one attempt, never cancelled; a lost one is found out about by `settle`.
 * - everything else is idempotent and retried until its part is up again; a run would rather wait than guess.
 */
export function activitiesOf(queues: TaskQueues) {
  const retryForLong = { initialInterval: 500, backoffCoefficient: 2, maximumInterval: '1 minute' } as const
  return {
    model: proxyActivities<ModelActivities>({
      taskQueue: queues.model,
      startToCloseTimeout: '5 minutes',
      heartbeatTimeout: '30 seconds',
      retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute', maximumAttempts: 5 },
    }),
    sandbox: proxyActivities<SandboxActivities>({
      taskQueue: queues.sandbox,
      startToCloseTimeout: '2 hours',
      heartbeatTimeout: '10 seconds',
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      retry: { maximumAttempts: 1 },
    }),
    tools: proxyActivities<Pick<EgressActivities, 'callTool'>>({
      taskQueue: queues.egress,
      startToCloseTimeout: '5 minutes',
      heartbeatTimeout: '10 seconds',
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      retry: { maximumAttempts: 1 },
    }),
    perform: proxyActivities<Pick<EgressActivities, 'perform'>>({
      taskQueue: queues.egress,
      startToCloseTimeout: '2 minutes',
      heartbeatTimeout: '10 seconds',
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      retry: { maximumAttempts: 1 },
    }),
    egress: proxyActivities<
      Pick<EgressActivities, 'claimRun' | 'openSession' | 'closeSession' | 'captureBefore' | 'settle' | 'recall'>
    >({
      taskQueue: queues.egress,
      startToCloseTimeout: '5 minutes',
      heartbeatTimeout: '10 seconds',
      retry: retryForLong,
    }),
    undo: proxyActivities<Pick<EgressActivities, 'undo'>>({
      taskQueue: queues.egress,
      startToCloseTimeout: '2 minutes',
      heartbeatTimeout: '10 seconds',
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '10 seconds', maximumAttempts: 6 },
    }),
    run: proxyActivities<RunActivities>({
      taskQueue: queues.orchestrator,
      startToCloseTimeout: '10 seconds',
      retry: retryForLong,
    }),
  }
}

export type Activities = ReturnType<typeof activitiesOf>
