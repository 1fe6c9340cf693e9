import { ApplicationFailure, condition } from '@temporalio/workflow'
import { ANSWERS, type Decide, SignalPayload } from '../run/signals.ts'
import { type Decision, type DecisionRecord, SETTLED } from '../run/view.ts'
import type { RunState } from './run-state.ts'

/**
 * Questions a run waits on. An answer covers one digest; a deadline has a named outcome and is never read as an answer.
 * Decisions may wait side by side (two steps each asking); the one shown is the oldest.
 */
export interface DecisionQuestion extends Omit<Decision, 'id' | 'opened' | 'deadline'> {
  readonly withinMs: number
}

interface Open {
  readonly decision: Decision
  record: DecisionRecord | null
  /** True once the run goes another way: an answer would not count any more. */
  readonly givenUp: () => boolean
}

const isOpen = ({ record, givenUp }: Open): boolean => record === null && !givenUp()

/** Of the timer that runs meanwhile, for the Web UI. */
function toSummary({ kind, onTimeout, deadline }: Decision): string {
  return `wait for somebody to ${kind}; without an answer by ${deadline}: ${onTimeout}`
}

/** What a settled run answers to any decision. */
export function noneAfterSettling(): ApplicationFailure {
  return ApplicationFailure.nonRetryable('the run is settled, so no decision is open', 'NO_DECISION')
}

export class Decisions {
  #count = 0
  readonly #open: Open[] = []
  readonly #run: RunState

  constructor(run: RunState) {
    this.#run = run
    this.#count = run.decisions.length
  }

  /** Opens a decision and waits for its answer, its deadline (`timeout`), or for `given up`. */
  async ask(question: DecisionQuestion, givenUp: () => boolean): Promise<DecisionRecord | null> {
    const { withinMs, ...rest } = question
    const now = Date.now()
    const open: Open = {
      decision: {
        ...rest,
        id: `d${++this.#count}`,
        opened: new Date(now).toISOString(),
        deadline: new Date(now + withinMs).toISOString(),
      },
      record: null,
      givenUp,
    }
    this.#open.push(open)
    this.#show()
    const answered = () => open.record !== null || givenUp()
    if (!(await condition(answered, withinMs, { summary: toSummary(open.decision) }))) {
      open.record ??= this.#toRecord(open, 'timeout', 'deadline', null)
    }
    this.#open.splice(this.#open.indexOf(open), 1)
    if (open.record) this.#run.decisions.push(open.record)
    this.#show()
    return open.record
  }

  /** Validator of the update `decide`: refuses what can not count, before anything is written. */
  check(args: Decide): void {
    this.#find(args)
  }

  answer(args: Decide): DecisionRecord {
    const open = this.#find(args)
    open.record = this.#toRecord(open, args.answer, args.actor ?? 'unknown', args.note)
    return open.record
  }

  /**
   * The signal `confirm`. Bare it counts only where the policy names no approver. Anything that can not count becomes a
   * notice: a signal has nobody to answer to.
   */
  confirm(payload: SignalPayload, approvers: readonly string[]): void {
    const open = this.#open.find((each) => each.decision.kind === 'confirm')
    const refuse = (why: string) => this.#run.notice(`the signal confirm was ignored: ${why}`)
    if (!open || !isOpen(open)) return refuse('no decision to confirm is open')
    const bare = payload.decision === undefined || payload.digest === undefined
    if (bare && approvers.length > 0) return refuse('the policy names approvers, so it needs decision id and digest')
    if (payload.decision !== undefined && payload.decision !== open.decision.id) {
      return refuse(`decision ${payload.decision} is not the open one, ${open.decision.id}`)
    }
    if (payload.digest !== undefined && payload.digest !== open.decision.digest) {
      return refuse('its digest is not that of the open decision: something changed after it was shown')
    }
    open.record = this.#toRecord(open, 'confirm', payload.actor ?? 'unknown', payload.note ?? null)
  }

  #find(args: Decide): Open {
    const open = this.#open.find((each) => each.decision.id === args.decision && isOpen(each))
    if (!open) {
      if (SETTLED.has(this.#run.phase)) throw noneAfterSettling()
      const known =
        this.#open
          .filter(isOpen)
          .map((each) => each.decision.id)
          .join(', ') || 'none'
      throw ApplicationFailure.nonRetryable(`decision ${args.decision} is not open; open: ${known}`, 'NO_DECISION')
    }
    if (open.decision.digest !== args.digest) {
      throw ApplicationFailure.nonRetryable(
        `the answer is for digest ${args.digest}, but decision ${args.decision} is now about ${open.decision.digest}: look again, then decide`,
        'STALE_DIGEST',
      )
    }
    const allowed: readonly string[] = ANSWERS[open.decision.kind]
    if (!allowed.includes(args.answer)) {
      throw ApplicationFailure.nonRetryable(
        `decision ${args.decision} is answered by ${allowed.join(' or ')}, not by ${args.answer}`,
        'INVALID_ANSWER',
      )
    }
    return open
  }

  #toRecord(open: Open, answer: DecisionRecord['answer'], actor: string, note: string | null): DecisionRecord {
    // No answer is authenticated yet: whoever reaches the namespace can give it.
    return { ...open.decision, answer, actor, authenticated: false, note, answered: new Date().toISOString() }
  }

  #show(): void {
    this.#run.decision = this.#open[0]?.decision ?? null
    this.#run.changed()
  }
}
