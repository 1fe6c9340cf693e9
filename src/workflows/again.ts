import { sleep } from '@temporalio/workflow'
import { isRestored } from '../run/verdict.ts'
import { compensate } from './compensate.ts'
import { type RunContext, StepFailed } from './context.ts'
import type { Parked } from './effects.ts'

/** What comes between two attempts of a step: the world as it was, a person's answer, or some time. */

/** Attempts lost to infrastructure (a dead worker, no Docker) before the step gives up. */
const LOSSES = 5

/** Before a step is tried again the world is as it was before the try; where that fails, the step fails. */
export async function undoAttempt(context: RunContext, step: string, generation: number): Promise<void> {
  const { run, activities, effects } = context
  const left = [...run.effectsOf(step, generation), ...effects.recalled]
  await compensate(run, activities, left)
  const stuck = left.filter((effect) => effect.state !== 'refused' && !isRestored(effect.verdict))
  if (stuck.length === 0) return
  throw new StepFailed(
    'fail',
    `attempt ${step}.${generation} could not be undone: ${stuck.map((each) => `${each.id}: ${each.note ?? each.state}`).join('; ')}`,
  )
}

/** Waits before a lost attempt is made again, longer each time. @throws StepFailed when there were too many. */
export async function afterLoss(context: RunContext, attempt: string, losses: number, error: string): Promise<void> {
  // Nobody can mend that by writing something else: it does not go back to a model.
  if (losses >= LOSSES)
    throw new StepFailed('fail', `attempt ${attempt} was the last of ${losses} that were lost: ${error}`)
  context.run.notice(`${attempt} was lost and is made again: ${error}`)
  await sleep(Math.min(1000 * 2 ** (losses - 1), 15_000), { summary: `before ${attempt} is made again` })
}

/** Asks whether an effect that ended its attempt may happen. @throws StepFailed when it may not. */
export async function askFor(context: RunContext, step: string, parked: Parked): Promise<void> {
  const { run, decisions, effects } = context
  run.setStep(step, 'asking')
  const { method, target, connector, body } = parked.request
  const record = await decisions.ask(
    {
      kind: 'approve',
      digest: parked.digest,
      question: `May step ${step} do this? ${method} ${target} on ${connector}${body?.text ? `\n${body.text}` : ''}\nAsked because ${parked.reason}.`,
      effects: [],
      step,
      recommended: null,
      withinMs: run.agent.policy.approveWithinMs,
      onTimeout: 'reject',
    },
    () => run.stop !== null,
  )
  if (record?.answer === 'approve') {
    effects.approve(step, parked.digest)
    return
  }
  throw new StepFailed(
    'reject',
    `${method} ${target} on ${connector} was ${record?.answer === 'timeout' ? 'not approved in time' : 'rejected'}`,
  )
}
