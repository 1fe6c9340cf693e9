import type { WorkflowHandle } from '@temporalio/client'
import { QueryNotRegisteredError } from '@temporalio/client'
import type { Effect } from '../run/effect.ts'
import { QUERIES, SEARCH_ATTRIBUTES, SIGNALS, UPDATES, WORKFLOWS } from '../run/names.ts'
import { ANSWERS } from '../run/signals.ts'
import type { Decide, SignalPayload } from '../run/signals.ts'
import type { DecisionRecord, Phase, RunView } from '../run/view.ts'
import { SETTLED } from '../run/view.ts'
import type { Access } from './access.ts'
import { errors, RecourseError } from './errors.ts'
import { waitForRun } from './wait.ts'
import type { WaitOptions } from './wait.ts'

export interface DecideOptions {
  /** Id of the decision. Default: the one that is open. */
  decision?: string
  /** Digest of what was shown to whoever decides: an answer to anything else is refused. Default: that of the open decision. */
  digest?: string
  note?: string
  /** Who decides; recorded, and not proven by this. */
  actor?: string
}

export interface UndoOptions {
  /** Ids of effects. Default: all. */
  effects?: readonly string[]
  note?: string
  actor?: string
}

/** A run, by its id. Every method throws `RecourseError`; RUN_NOT_FOUND where nothing was ever started under that id. */
export interface Run {
  readonly id: string
  /** The run as it is now. */
  state(): Promise<RunView>
  effects(): Promise<readonly Effect[]>
  /** Waits until the run needs a decision or is settled. */
  wait(options?: WaitOptions): Promise<RunView>
  /** Keeps what the run did. */
  confirm(options?: DecideOptions): Promise<DecisionRecord>
  /** Lets a step go on that asked first. */
  approve(options?: DecideOptions): Promise<DecisionRecord>
  /** Stops a step that asked first; what the run did is undone. */
  reject(options?: DecideOptions): Promise<DecisionRecord>
  /** Takes back what the run did, at any time until its undo window ends. Answers when that is recorded, not when it is done. */
  undo(options?: UndoOptions): Promise<void>
  /** Stops the run; what it did is undone. */
  cancel(options?: { note?: string }): Promise<void>
}

/** What `start` answers. */
export interface StartedRun extends Run {
  /** True: there was a run with that id already, and nothing was started. */
  readonly existing: boolean
  /** True: and it was started with something else. */
  readonly differs: boolean
}

export function createRun(access: Access, id: string): Run {
  const { place } = access
  const call = <T>(what: string, work: (handle: WorkflowHandle) => Promise<T>) =>
    access.call(`run "${id}" cannot ${what}`, id, (workflows) => work(workflows.getHandle(id)))

  async function state(): Promise<RunView> {
    return call('be read', async (handle) => {
      try {
        const view = await handle.query<RunView | null>(QUERIES.run)
        if (view === null) throw errors.takingUp(id)
        return view
      } catch (error) {
        if (!(error instanceof QueryNotRegisteredError)) throw error
        const { type } = await handle.describe()
        throw isRunType(type) ? error : errors.notARun(id, type)
      }
    })
  }

  /** What Temporal itself knows: needs no worker. */
  async function describe(): Promise<{ open: boolean; phase: Phase; closed: Date | null }> {
    const description = await call('be read', (handle) => handle.describe())
    if (!isRunType(description.type)) throw errors.notARun(id, description.type)
    const open = description.status.name === 'RUNNING' || description.status.name === 'PAUSED'
    const phase = description.searchAttributes[PHASE]?.[0] as Phase | undefined
    return {
      open,
      // Terminated or timed out from outside: the phase it was in says nothing about how it ended.
      phase: open || (phase && SETTLED.has(phase)) ? (phase ?? 'planning') : 'failed',
      closed: description.closeTime ?? null,
    }
  }

  /** Temporal says "not found" of a closed run too. */
  async function orSettled<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof RecourseError) || error.code !== 'RUN_NOT_FOUND') throw error
      const { open, phase, closed } = await describe()
      throw open ? error : errors.runSettled(id, what, phase, closed, { cause: error })
    }
  }

  async function decide(answer: Decide['answer'], options: DecideOptions = {}): Promise<DecisionRecord> {
    const what = { approve: 'be approved', reject: 'be rejected', confirm: 'be confirmed', undo: 'be undone' }[answer]
    let { decision, digest } = options
    if (decision === undefined || digest === undefined) {
      const seen = await state()
      const open = seen.decision
      if (!open && SETTLED.has(seen.phase)) {
        const when = seen.settled === null ? null : new Date(seen.settled)
        throw errors.runSettled(id, what, seen.phase, when)
      }
      if (!open) throw errors.noDecision(id, seen.phase)
      const allowed: readonly string[] = ANSWERS[open.kind]
      if (!allowed.includes(answer)) throw errors.wrongAnswer(id, answer, open.kind, allowed)
      decision ??= open.id
      digest ??= open.digest
    }
    const args: Decide = { decision, digest, answer, actor: options.actor ?? null, note: options.note ?? null }
    return orSettled(what, () =>
      call(what, (handle) => handle.executeUpdate<DecisionRecord, [Decide]>(UPDATES.decide, { args: [args] })),
    )
  }

  return {
    id,
    state,
    effects: async () => (await state()).effects,
    wait: (options) => waitForRun(access, id, state, options),
    confirm: (options) => decide('confirm', options),
    approve: (options) => decide('approve', options),
    reject: (options) => decide('reject', options),
    undo: async ({ effects, note, actor } = {}) => {
      const payload: SignalPayload = {
        ...(effects && { effects: [...effects] }),
        ...(note !== undefined && { note }),
        ...(actor !== undefined && { actor }),
      }
      await orSettled('be undone', () =>
        call('be undone', (handle) => handle.signal<[SignalPayload]>(SIGNALS.undo, payload)),
      )
    },
    cancel: async ({ note } = {}) => {
      const { open, phase, closed } = await describe()
      if (!open) throw errors.runSettled(id, 'be cancelled', phase, closed)
      // It is open for its undo window only: to cancel that would take the undo away.
      if (SETTLED.has(phase)) throw errors.nothingToCancel(id, phase)
      await orSettled('be cancelled', () =>
        access.call(`run "${id}" cannot be cancelled`, id, (workflows) =>
          workflows.workflowService.requestCancelWorkflowExecution({
            namespace: place.namespace,
            workflowExecution: { workflowId: id },
            identity: workflows.options.identity,
            reason: note ?? '',
          }),
        ),
      )
    },
  }
}

const PHASE = 'RecoursePhase' satisfies keyof typeof SEARCH_ATTRIBUTES

function isRunType(type: string): boolean {
  return Object.values(WORKFLOWS).some((known) => known === type)
}
