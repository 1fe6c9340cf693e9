/**
 * The names under which a run is reachable through Temporal. They are public: any tool that can signal can decide.
 */

export const WORKFLOWS = { agentRun: 'agentRun', undoWindow: 'undoWindow' } as const

export const SIGNALS = { undo: 'undo', confirm: 'confirm' } as const

export const UPDATES = { decide: 'decide', performEffect: 'performEffect', beginAttempt: 'beginAttempt' } as const

export const QUERIES = { run: 'run' } as const

/** Search attributes; registered in the namespace by `recourse up` and by every worker that starts. */
export const SEARCH_ATTRIBUTES = {
  RecoursePhase: 'KEYWORD',
  RecourseNeedsDecision: 'BOOL',
  RecourseAgent: 'KEYWORD',
  RecourseUndoVerdict: 'KEYWORD',
} as const

/** One task queue a role, so that each role scales and is confined by itself. */
export interface TaskQueues {
  readonly orchestrator: string
  readonly model: string
  readonly sandbox: string
  readonly egress: string
}

/** Task queues of an installation; `prefix` separates installations that share a namespace. */
export function toTaskQueues(prefix: string): TaskQueues {
  return { orchestrator: prefix, model: `${prefix}-model`, sandbox: `${prefix}-sandbox`, egress: `${prefix}-egress` }
}

export const DEFAULT_TASK_QUEUE = 'recourse'
