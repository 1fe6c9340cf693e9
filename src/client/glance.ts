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
}

export async function glanceAt(access: Access, id: string): Promise<Glance> {
  return access.call(`run "${id}" cannot be read`, id, async (workflows) => {
    const { status, searchAttributes, raw } = await workflows.getHandle(id).describe()
    const { originalScheduledTime, state } = raw.pendingWorkflowTask ?? {}
    const since = state === SCHEDULED && originalScheduledTime ? Number(originalScheduledTime.seconds) * 1000 : null
    const phase = searchAttributes['RecoursePhase']?.[0]
    return {
      open: status.name === 'RUNNING' || status.name === 'PAUSED',
      phase: PHASES.find((each) => each === phase) ?? null,
      needsDecision: searchAttributes['RecourseNeedsDecision']?.[0] === true,
      idleMs: since === null ? 0 : Math.max(0, Date.now() - since),
    }
  })
}

/** PendingWorkflowTaskState of temporal.api.enums.v1. */
const SCHEDULED = 1
