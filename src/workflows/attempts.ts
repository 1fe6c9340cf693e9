import { ApplicationFailure, CancellationScope, condition } from '@temporalio/workflow'
import type { ConnectorSnapshot } from '../run/agent.ts'
import type { BeginAttempt, BegunAttempt } from '../run/ports.ts'
import type { Denied } from '../run/validate.ts'
import type { Activities } from './activities.ts'
import type { RunState } from './run-state.ts'

/**
 * The fence around each execution of a step. At most one attempt of a step is open; effects of any other are refused.
 *
 *     expect(generation) ─▶ begin (update, from whoever executes) ─▶ enter/leave (each effect) ─▶ close
 *
 * Owner of the state: this file. Invariants: 1. an attempt begins once per generation; 2. `close` returns only when the
 * gateway session is closed and every effect under way has its outcome; 3. nothing enters after `close` has been called.
 */
interface Attempt {
  readonly generation: number
  readonly connectors: readonly ConnectorSnapshot[]
  attempt: string | null
  open: boolean
  underway: number
  /** What the run itself denied. */
  readonly denied: Denied[]
}

/** Denials that are kept of an attempt: one that knocks on every door must not fill the run. */
const MOST_DENIED = 100

/** Temporal takes 2,000 updates in a run; a decision is one, and must never be the one too many. */
const MOST_ARRIVALS = 1_800

export class Attempts {
  readonly #attempts = new Map<string, Attempt>()
  #arrived = 0
  readonly #run: RunState
  readonly #activities: Activities

  constructor(run: RunState, activities: Activities) {
    this.#run = run
    this.#activities = activities
  }

  /** From now on this generation of the step may begin, reaching these connectors. */
  expect(step: string, generation: number, connectors: readonly ConnectorSnapshot[]): void {
    this.#attempts.set(step, { generation, connectors, attempt: null, open: true, underway: 0, denied: [] })
  }

  checkBegin(args: BeginAttempt): void {
    const current = this.#attempts.get(args.step)
    if (!current?.open || current.generation !== args.generation || current.attempt !== null) {
      throw ApplicationFailure.nonRetryable(
        `attempt ${args.step}.${args.generation} can not begin: it is over, or another one runs`,
        'ATTEMPT_CLOSED',
      )
    }
  }

  /** @param check Is told which effects of the run were ever sent; where it throws, the attempt is over. */
  async begin(args: BeginAttempt, check: (sent: readonly string[]) => Promise<void>): Promise<BegunAttempt> {
    // Checked again: between validator and handler another begin may have come first.
    this.checkBegin(args)
    const current = this.#current(args.step)
    current.attempt = args.attempt
    current.underway += 1
    try {
      return await CancellationScope.nonCancellable(async () => {
        const { socket, sent } = await this.#activities.egress.openSession.executeWithOptions(
          { summary: `open the gateway for ${args.step}.${args.generation}` },
          [{ run: this.#run.id, connectors: current.connectors, ...args }],
        )
        await check(sent)
        return { socket }
      })
    } finally {
      current.underway -= 1
    }
  }

  /** Validator of `performEffect`: what it refuses leaves no trace in the history, and does not count. */
  checkArrival(args: BeginAttempt): void {
    this.checkEffect(args)
    if (this.#arrived < MOST_ARRIVALS) return
    throw ApplicationFailure.nonRetryable(
      `the run has taken ${MOST_ARRIVALS} requests, and has to keep room for a decision`,
      'ATTEMPT_CLOSED',
    )
  }

  checkEffect(args: BeginAttempt): void {
    const current = this.#attempts.get(args.step)
    if (!current?.open || current.attempt === null || current.attempt !== args.attempt) {
      throw ApplicationFailure.nonRetryable(
        `attempt ${args.step}.${args.generation} is over: nothing it sends counts`,
        'ATTEMPT_CLOSED',
      )
    }
  }

  connectors(step: string): readonly ConnectorSnapshot[] {
    return this.#current(step).connectors
  }

  enter(step: string): () => void {
    const current = this.#current(step)
    this.#arrived += 1
    current.underway += 1
    return () => {
      current.underway -= 1
    }
  }

  deny(step: string, denied: Denied): void {
    const current = this.#current(step)
    if (current.denied.length < MOST_DENIED) current.denied.push(denied)
  }

  /** Fences at once, without waiting: used when an effect must be asked about. */
  fence(step: string): void {
    const current = this.#attempts.get(step)
    if (current) current.open = false
  }

  /** Fence, close the gateway session, drain. Answers what the attempt was denied, by the run or by the gateway. */
  async close(step: string): Promise<Denied[]> {
    const current = this.#attempts.get(step)
    if (!current) return []
    current.open = false
    return await CancellationScope.nonCancellable(async () => {
      // A begin under way would open a session after this one closed it.
      await condition(() => current.underway === 0)
      if (current.attempt === null) return []
      const { denied } = await this.#activities.egress.closeSession.executeWithOptions(
        { summary: `close the gateway for ${step}.${current.generation}` },
        [{ run: this.#run.id, step }],
      )
      this.#attempts.delete(step)
      // What the run denied to code has passed the gateway, which lists it too; a tool does not go through there.
      const isKnown = (each: Denied) => current.denied.some((known) => isSame(known, each))
      return [...current.denied, ...denied.filter((each) => !isKnown(each))]
    })
  }

  /** Closes whatever is open: before anything is compensated, continued or returned. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.#attempts.keys()].map((step) => this.close(step)))
  }

  #current(step: string): Attempt {
    const current = this.#attempts.get(step)
    if (!current) throw ApplicationFailure.nonRetryable(`step ${step} has no attempt`, 'ATTEMPT_CLOSED')
    return current
  }
}

function isSame(a: Denied, b: Denied): boolean {
  return a.connector === b.connector && a.method === b.method && a.target === b.target
}
