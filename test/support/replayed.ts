import type { Client } from '@temporalio/client'
import { Worker } from '@temporalio/worker'

type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>

/** Every history of a run, its continuations included. */
export async function historiesOf(workflows: Client['workflow'], id: string): Promise<History[]> {
  const histories: History[] = []
  const { raw } = await workflows.getHandle(id).describe()
  for (let runId = raw.workflowExecutionInfo?.firstRunId; runId;) {
    const history = await workflows.getHandle(id, runId).fetchHistory()
    histories.push(history)
    runId = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId
  }
  return histories
}

/**
 * A history that does not replay is a run that no other worker can ever take up.
 * @throws DeterminismViolationError
 */
export async function replay(histories: readonly History[], workflowBundle: string): Promise<void> {
  for (const history of histories) {
    await Worker.runReplayHistory({ workflowBundle: { codePath: workflowBundle } }, history)
  }
}
