import type { Access } from './access.ts'

/** ALL_EVENT of temporal.api.enums.v1.HistoryEventFilterType. */
const ALL_EVENTS = 1

/**
 * Calls `onChange` whenever a run's phase or open decision may have changed, by a long poll of its history: those changes
 * are search attributes, and each upsert of them is an event. Ends when the run closes, on any failure, or when aborted:
 * whoever uses it looks from time to time all the same.
 */
export async function watchRun(access: Access, id: string, onChange: () => void, signal: AbortSignal): Promise<void> {
  let runId = ''
  let token: Uint8Array | undefined
  while (!signal.aborted) {
    const answer = await access.poll(signal, (workflows) =>
      workflows.workflowService.getWorkflowExecutionHistory({
        namespace: access.place.namespace,
        execution: { workflowId: id, ...(runId !== '' && { runId }) },
        ...(token && { nextPageToken: token }),
        waitNewEvent: true,
        historyEventFilterType: ALL_EVENTS,
      }),
    )
    const events = answer.history?.events ?? []
    const next = events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId
    if (events.some((event) => event.upsertWorkflowSearchAttributesEventAttributes) || next) onChange()
    token = answer.nextPageToken?.length ? answer.nextPageToken : undefined
    if (next) runId = next
    else if (!token) {
      onChange()
      return
    }
  }
}
