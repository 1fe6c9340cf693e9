import { type Phase, PHASES } from '../run/view.ts'
import type { Access } from './access.ts'

/** What Temporal itself knows of a run, without asking any worker. */
export interface Glance {
  readonly open: boolean
  /** null: the run never said. */
  readonly phase: Phase | null
  readonly needsDecision: boolean
  /** Milliseconds for which the run has had something to do and no worker has taken it up; 0: nothing waits. */
  readonly idleMs: number
  /** True: workers take it up, and fail. */
  readonly failing: boolean
}

export async function glanceAt(access: Access, id: string): Promise<Glance> {
  return access.call(`run "${id}" cannot be read`, id, async (workflows) => {
    const { status, searchAttributes, raw } = await workflows.getHandle(id).describe()
    const { originalScheduledTime, state, attempt } = raw.pendingWorkflowTask ?? {}
    const failing = (attempt ?? 0) > TRIES
    const idle = state === SCHEDULED && !failing && originalScheduledTime
    const since = idle ? Number(originalScheduledTime.seconds) * 1000 : null
    const phase = searchAttributes['RecoursePhase']?.[0]
    return {
      open: status.name === 'RUNNING' || status.name === 'PAUSED',
      phase: PHASES.find((each) => each === phase) ?? null,
      needsDecision: searchAttributes['RecourseNeedsDecision']?.[0] === true,
      failing,
      idleMs: since === null ? 0 : Math.max(0, Date.now() - since),
    }
  })
}

/** PendingWorkflowTaskState of temporal.api.enums.v1. */
const SCHEDULED = 1
/** Attempts at a task that a worker which just died explains. */
const TRIES = 3
