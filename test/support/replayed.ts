import type { Client } from '@temporalio/client'
import { Worker } from '@temporalio/worker'

/**
 * Replays every history of a run, its continuations included. A history that does not replay is a run that no other worker
 * can ever take up.
 * @throws DeterminismViolationError
 */
export async function replayRun(workflows: Client['workflow'], workflowBundle: string, id: string): Promise<void> {
  for (
    let runId: string | undefined =
      (await workflows.getHandle(id).describe()).raw.workflowExecutionInfo?.firstRunId ?? undefined;
    runId;
  ) {
    const history = await workflows.getHandle(id, runId).fetchHistory()
    await Worker.runReplayHistory({ workflowBundle: { codePath: workflowBundle } }, history, id)
    const last = history.events?.at(-1)
    runId = last?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined
  }
}
