import { ApplicationFailure, CancellationScope } from '@temporalio/workflow'
import type { ConnectorSnapshot, Permission, RouteSpec } from '../run/agent.ts'
import { chooseCompensation, isExact } from '../run/compensation.ts'
import { digestOf } from '../run/digest.ts'
import type { Compensation, Effect, EffectRequest, PerformOutcome, Reading } from '../run/effect.ts'
import { permissionOf } from '../run/permission.ts'
import type { BeginAttempt, PerformArgs, PerformedEffect, PerformEffect } from '../run/ports.ts'
import { isAnnounced } from '../run/validate.ts'
import type { Activities } from './activities.ts'
import type { Attempts } from './attempts.ts'
import type { RunState } from './run-state.ts'

/**
 * Bytes of the journal beyond which no effect is taken on. It is handed over as a whole to be validated, shown and kept, in
 * messages of at most two megabytes; what is under way then, and undoing it, still fits.
 */
const JOURNAL_BYTES = 1_200_000

/** An effect that must be asked about before it may happen: it ended its attempt. */
export interface Parked {
  readonly step: string
  readonly digest: string
  readonly request: EffectRequest
  readonly reason: string
}

/**
 * Each effect: before ▸ register compensation ▸ claim ▸ perform ▸ after. The first two happen here and in the activity
 * `captureBefore`, the other three in the activity `perform`. Never waits for a person.
 */
export class Effects {
  /** What an earlier history of the run had sent. */
  readonly recalled: Effect[] = []
  /** By step: what ended its attempt. */
  readonly parked = new Map<string, Parked>()
  /** Steps whose code announced nothing and so announces everything. */
  readonly announcesAll = new Set<string>()
  readonly #run: RunState
  readonly #activities: Activities
  readonly #attempts: Attempts
  readonly #locks = new Map<string, Promise<void>>()
  /** Bytes of each effect in the journal. */
  readonly #sizes = new Map<string, number>()
  #journalBytes = 0
  readonly #numbers = new Map<string, number>()
  /** How often each request of a step was approved. */
  readonly #approved = new Map<string, number>()
  readonly #parkedListeners = new Map<string, () => void>()

  constructor(run: RunState, activities: Activities, attempts: Attempts) {
    this.#run = run
    this.#activities = activities
    this.#attempts = attempts
  }

  /** Whoever executes the step is told when it is parked, to end the execution. */
  onParked(step: string, listener: (() => void) | null): void {
    if (listener) this.#parkedListeners.set(step, listener)
    else this.#parkedListeners.delete(step)
  }

  /** A person's approval covers one request, once in each execution of the step: a second one of the same is asked about. */
  approve(step: string, digest: string): void {
    const key = `${step} ${digest}`
    this.#approved.set(key, (this.#approved.get(key) ?? 0) + 1)
  }

  #isApproved({ step, generation, request }: PerformEffect): boolean {
    const digest = digestOfRequest(request)
    const same = this.#run.effectsOf(step, generation).filter((each) => digestOfRequest(each.request) === digest)
    return same.length < (this.#approved.get(`${step} ${digest}`) ?? 0)
  }

  /**
   * A history that was reset has forgotten what it had sent. Where claims know of such effects, they are taken up as they
   * were claimed, and the attempt is over: they are undone before the step goes on, under a number nobody has used.
   * @throws ApplicationFailure ATTEMPT_CLOSED
   */
  async recall(args: BeginAttempt, sent: readonly string[]): Promise<void> {
    const run = this.#run
    const forgotten = () => sent.filter((id) => !run.effects.some((effect) => effect.id === id))
    if (forgotten().length === 0) return
    const recalled = await this.#activities.egress.recall.executeWithOptions(
      { summary: 'what an earlier history of this run had sent' },
      [{ run: run.id, effects: forgotten() }],
    )
    const still = new Set(forgotten())
    for (const { effect: id, ...claimed } of recalled) {
      // Another step may have taken it up meanwhile.
      if (!still.has(id)) continue
      const [step = '', generation] = id.split('.')
      const attempt = { step, generation: Number(generation), permission: 'allow', announced: true } as const
      const effect = toEffect({ ...claimed, ...attempt }, id)
      run.effects.push(effect)
      this.recalled.push(effect)
      const connector = run.agent.connectors.find((each) => each.name === effect.request.connector)
      if (connector) await this.#settle(effect, connector)
      else Object.assign(effect, { state: 'unknown', note: "its connector is not among the agent's any more" })
    }
    const reason = `an earlier history of this run had sent ${[...still].join(', ')}`
    run.notice(`${reason}, which is undone before ${args.step} goes on`)
    this.#attempts.fence(args.step)
    throw ApplicationFailure.nonRetryable(reason, 'ATTEMPT_CLOSED')
  }

  /** Handler of the update `performEffect`. */
  async perform(args: PerformEffect): Promise<PerformedEffect> {
    this.#attempts.checkEffect(args)
    const leave = this.#attempts.enter(args.step)
    try {
      const { request } = args
      const key = `${request.connector} ${request.resource ?? request.target}`
      return await this.#serialised(key, () => CancellationScope.nonCancellable(() => this.#perform(args)))
    } finally {
      leave()
      this.#run.changed()
    }
  }

  async #perform(args: PerformEffect): Promise<PerformedEffect> {
    const { step, generation, request } = args
    // Once more: the effect may have waited for another on the same resource while its attempt was closed.
    this.#attempts.checkEffect(args)
    const run = this.#run
    const connector = this.#attempts.connectors(step).find((each) => each.name === request.connector)
    const deny = (reason: string): PerformedEffect => {
      this.#attempts.deny(step, {
        connector: request.connector,
        method: request.method,
        target: request.target,
        reason,
      })
      return { kind: 'denied', reason }
    }
    if (!connector) return deny(`connector "${request.connector}" was not announced by step ${step}`)
    const route = connector.routes.find((each) => each.route === request.route) ?? null
    const before = await this.#before(connector, request)
    // The fence is not looked at again: what has passed it is drained, and undone if its attempt is over by now. Commands
    // must not hang on which of two activities that ended in the same task is noticed first, as a query to a run that is
    // not cached can take such a task apart (SDK 1.24). From here to the registration nothing waits, so that counts hold.
    if (run.effects.length >= run.agent.budgets.effects) {
      return deny(
        `the run has used its budget of ${run.agent.budgets.effects} effects (agents.${run.agent.name}.budgets.effects)`,
      )
    }
    if (this.#journalBytes >= JOURNAL_BYTES) {
      return deny(`the journal of the run is full after ${run.effects.length} effects; do the rest in another run`)
    }
    const compensation = chooseCompensation({ connector, route, request, before })
    const announced = isAnnounced(run.planned(step), this.announcesAll.has(step), request)
    const asked = permissionOf({
      agent: run.agent,
      request,
      route,
      announced,
      compensation,
      exact: isExact(compensation),
    })
    const permission: Permission = asked.permission === 'ask' && this.#isApproved(args) ? 'allow' : asked.permission

    if (permission === 'deny') return deny(asked.reason)
    if (permission === 'ask') {
      this.#attempts.fence(step)
      this.parked.set(step, { step, digest: digestOfRequest(request), request, reason: asked.reason })
      this.#parkedListeners.get(step)?.()
      return { kind: 'parked', reason: asked.reason }
    }
    const effect = this.#register({ step, generation, request, permission, announced, compensation, before })
    if (permission === 'hold') return hold(effect, route)
    await this.send(effect, connector)
    return toAnswer(effect)
  }

  /** Sends a registered effect and takes in what became of it. */
  async send(effect: Effect, connector: ConnectorSnapshot): Promise<void> {
    const { method, target } = effect.request
    const options = { summary: `${method} ${target} on ${connector.name}` }
    let outcome: PerformOutcome
    try {
      const args = this.#toPerform(effect, connector)
      outcome = await this.#activities.perform.perform.executeWithOptions(options, [args])
    } catch {
      // Lost: the worker died or the answer came too late.
      return await this.#settle(effect, connector)
    }
    this.#takeIn(effect, outcome)
  }

  /** Takes in what became of an effect that somebody sent. The claim knows what can be known. */
  async #settle(effect: Effect, connector: ConnectorSnapshot): Promise<void> {
    const { method, target } = effect.request
    const options = { summary: `what became of ${method} ${target} on ${connector.name}` }
    const args = this.#toPerform(effect, connector)
    this.#takeIn(effect, await this.#activities.egress.settle.executeWithOptions(options, [args]))
  }

  #toPerform({ id, request, compensation, before }: Effect, connector: ConnectorSnapshot): PerformArgs {
    return { run: this.#run.id, effect: id, connector, request, compensation, before }
  }

  #takeIn(effect: Effect, outcome: PerformOutcome): void {
    takeIn(effect, outcome)
    effect.completed = this.#run.nextCompleted()
    this.#weigh(effect)
    this.#run.changed()
  }

  /** Releases a held effect: what undoes it from now on is chosen and registered before it is sent. */
  async release(effect: Effect): Promise<void> {
    const connector = this.#run.agent.connectors.find((each) => each.name === effect.request.connector)
    if (!connector) throw new Error(`connector "${effect.request.connector}" is not among the agent's`)
    const route = connector.routes.find((each) => each.route === effect.request.route) ?? null
    const before = await this.#before(connector, effect.request)
    effect.before = before
    effect.compensation = chooseCompensation({ connector, route, request: effect.request, before })
    await this.send(effect, connector)
  }

  async #before(connector: ConnectorSnapshot, request: EffectRequest): Promise<Reading | null> {
    if (request.resource === null) return null
    return await this.#activities.egress.captureBefore.executeWithOptions(
      { summary: `before: ${request.resource} on ${connector.name}` },
      [{ run: this.#run.id, connector, resource: request.resource }],
    )
  }

  #register(fields: Registration): Effect {
    const attempt = `${fields.step}.${fields.generation}`
    const number = (this.#numbers.get(attempt) ?? 0) + 1
    this.#numbers.set(attempt, number)
    const effect = toEffect(fields, `${attempt}.${number}`)
    this.#run.effects.push(effect)
    this.#weigh(effect)
    return effect
  }

  #weigh(effect: Effect): void {
    const size = new TextEncoder().encode(JSON.stringify(effect)).length
    this.#journalBytes += size - (this.#sizes.get(effect.id) ?? 0)
    this.#sizes.set(effect.id, size)
  }

  /** One at a time per resource, in the order of arrival. */
  async #serialised<T>(key: string, work: () => Promise<T>): Promise<T> {
    const earlier = this.#locks.get(key) ?? Promise.resolve()
    const mine = earlier.then(work)
    const settled = mine.then(
      () => undefined,
      () => undefined,
    )
    this.#locks.set(key, settled)
    try {
      return await mine
    } finally {
      if (this.#locks.get(key) === settled) this.#locks.delete(key)
    }
  }
}

interface Registration {
  readonly step: string
  readonly generation: number
  readonly request: EffectRequest
  readonly permission: Permission
  readonly announced: boolean
  readonly compensation: Compensation
  readonly before: Reading | null
}

function toEffect(fields: Registration, id: string): Effect {
  const held = fields.permission === 'hold'
  return {
    ...fields,
    id,
    compensation: held ? { kind: 'discard' } : fields.compensation,
    state: held ? 'held' : 'registered',
    after: null,
    resource: fields.request.resource,
    answer: null,
    inferred: false,
    diff: [],
    guard: null,
    verdict: null,
    note: null,
    completed: null,
  }
}

/** What an approval of a request covers: where it goes and every byte of it. */
export function digestOfRequest(request: EffectRequest): string {
  const { connector, method, target, headers, body } = request
  return digestOf({ connector, method, target, headers, body: body?.digest ?? null })
}

function takeIn(effect: Effect, outcome: PerformOutcome): void {
  switch (outcome.kind) {
    case 'performed':
      effect.state = 'performed'
      effect.answer = outcome.answer
      effect.resource = outcome.resource ?? effect.resource
      effect.after = outcome.after
      effect.diff = outcome.diff
      effect.inferred = outcome.inferred
      return
    case 'refused':
      effect.state = 'refused'
      effect.answer = outcome.answer
      effect.note = outcome.reason
      return
    case 'not-sent':
      effect.state = 'discarded'
      effect.verdict = 'discarded'
      effect.note = outcome.reason
      return
    case 'unknown':
      effect.state = 'unknown'
      effect.note = outcome.reason
      return
  }
}

function toAnswer(effect: Effect): PerformedEffect {
  if (effect.answer) {
    const { status, headers, body } = effect.answer
    return { kind: 'answered', effect: effect.id, status, headers, body }
  }
  if (effect.state === 'performed') return { kind: 'answered', effect: effect.id, status: 204, headers: {}, body: null }
  if (effect.state === 'unknown') return { kind: 'unknown', effect: effect.id, reason: effect.note ?? 'no answer' }
  return { kind: 'denied', reason: effect.note ?? 'it was not sent' }
}

function hold(effect: Effect, route: RouteSpec | null): PerformedEffect {
  const id = `held-${effect.id}`
  if (route?.standIn) return { kind: 'held', effect: effect.id, status: route.standIn.status, body: route.standIn.body }
  const text = effect.request.body?.text
  let sent: unknown = null
  try {
    sent = text === undefined ? null : JSON.parse(text)
  } catch {
    // Not JSON: the stand-in is the bare answer.
  }
  const fields = sent !== null && typeof sent === 'object' && !Array.isArray(sent) ? sent : {}
  return { kind: 'held', effect: effect.id, status: 202, body: { ...fields, id, status: 'held' } }
}
