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

/** What each event of a history holds, as text. */
export function textsOf({ events }: History): string[] {
  const collect = (value: unknown): string[] => {
    if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')]
    if (typeof value === 'string') return [value]
    return typeof value === 'object' && value !== null ? Object.values(value).flatMap(collect) : []
  }
  return (events ?? []).map((event) => collect(event).join('\n'))
}
