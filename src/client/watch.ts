import type { Access } from './access.ts'

/**
 * `close`: that a run closed or was continued, which is one answer of the server. `changes`: also each change of its phase
 * or open decision, which costs an answer for everything that happens in between. `tasks`: everything a run does, as all of
 * it is done in workflow tasks.
 */
export type Watched = 'tasks' | 'changes' | 'close'

/** HistoryEventFilterType of temporal.api.enums.v1. */
const FILTERS = { tasks: 1, changes: 1, close: 2 } as const

/**
 * Calls `onChange` whenever what is watched may have happened, by a long poll of the run's history: phase and decision are
 * search attributes, and each upsert of them is an event. Ends when the run closes, on any failure, or when aborted:
 * whoever uses it looks from time to time all the same.
 */
export async function watchRun(
  access: Access,
  id: string,
  watched: Watched,
  onChange: () => void,
  signal: AbortSignal,
): Promise<void> {
  let runId = ''
  let token: Uint8Array | undefined
  while (!signal.aborted) {
    const answer = await access.poll(signal, (workflows) =>
      workflows.workflowService.getWorkflowExecutionHistory({
        namespace: access.place.namespace,
        execution: { workflowId: id, ...(runId !== '' && { runId }) },
        ...(token && { nextPageToken: token }),
        waitNewEvent: true,
        historyEventFilterType: FILTERS[watched],
      }),
    )
    const events = answer.history?.events ?? []
    const next = events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId
    const changed =
      watched === 'tasks'
        ? events.some((event) => event.workflowTaskCompletedEventAttributes)
        : events.some((event) => event.upsertWorkflowSearchAttributesEventAttributes)
    if (changed || next) onChange()
    token = answer.nextPageToken?.length ? answer.nextPageToken : undefined
    if (next) runId = next
    else if (!token) {
      onChange()
      return
    }
  }
}
