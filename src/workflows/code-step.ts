import { CancellationScope, isCancellation } from '@temporalio/workflow'
import type { ConnectorSnapshot } from '../run/agent.ts'
import { digestOf } from '../run/digest.ts'
import type { CodeStep } from '../run/plan.ts'
import type { Evidence, ExecutionResult } from '../run/ports.ts'
import type { Stored } from '../run/stored.ts'
import { afterLoss, askFor, undoAttempt } from './again.ts'
import { rootMessage } from './compensate.ts'
import { type RunContext, StepFailed } from './context.ts'

/**
 * generate ▸ vet ▸ (ask) ▸ execute ▸ validate, until the code is through or the tries are used up.
 *
 * A try that left no effect compensates nothing; one that left effects has them undone first. Code that was handed in
 * has one try: there is nobody to mend it.
 */
export async function codeStep(context: RunContext, step: CodeStep, evidence: Evidence[]): Promise<void> {
  const { run, input } = context
  const tries = 1 + run.agent.budgets.repairs
  let previous: { code: Stored; error: string } | null = null
  for (let attempt = 1; attempt <= tries; attempt++) {
    const code: Stored | null = input.given
      ? await keepGiven(context, input.given.code)
      : await generate(context, step, evidence, previous)
    if (!code) continue
    run.step(step.id).code = code
    const rejected = await vet(context, step, code)
    const error: string | null = rejected ?? (await execute(context, step, code))
    if (error === null) return
    run.step(step.id).error = error
    previous = { code, error }
    if (input.given) break
  }
  throw new StepFailed('fail', `step ${step.id} failed: ${run.step(step.id).error ?? 'no usable code'}`)
}

async function keepGiven({ activities }: RunContext, text: string): Promise<Stored> {
  return await activities.run.storeText.executeWithOptions({ summary: 'keep the code' }, [{ text }])
}

async function generate(
  context: RunContext,
  step: CodeStep,
  evidence: Evidence[],
  previous: { code: Stored; error: string } | null,
): Promise<Stored | null> {
  const { run, input, activities } = context
  run.setStep(step.id, 'generating')
  const answer = run.charge(
    await activities.model.generate.executeWithOptions(
      { summary: `write code for ${step.id}: ${step.purpose.slice(0, 100)}` },
      [{ agent: run.agent, request: input.request, input: input.input, step, evidence, previous }],
    ),
  )
  if (answer.kind === 'code') return answer.code
  run.step(step.id).error = answer.error
  return null
}

/** Answers what is wrong with the code; null: it may run. */
async function vet(context: RunContext, step: CodeStep, code: Stored): Promise<string | null> {
  const { run, input, activities, decisions } = context
  run.setStep(step.id, 'vetting')
  const vetted = run.charge(
    await activities.model.vet.executeWithOptions({ summary: `vet the code of ${step.id}` }, [
      // Code a caller handed in has no model's purpose to be held against: the rule table alone judges it.
      { agent: run.agent, code, language: step.language, step, opinion: run.agent.opinion && !input.given },
    ]),
  )
  run.step(step.id).vetting = vetted.findings
  const listed = vetted.findings
    .filter((finding) => finding.permission !== 'allow')
    .map((finding) => `line ${finding.line}: ${finding.reason} (${finding.rule})`)
    .join('\n')
  if (vetted.permission === 'allow') return null
  if (vetted.permission === 'deny') return `the code was not allowed to run:\n${listed}`
  run.setStep(step.id, 'asking')
  const record = await decisions.ask(
    {
      kind: 'approve',
      digest: digestOf({ code: code.digest, findings: vetted.findings }),
      question: `May the code of step ${step.id} run? Vetting noticed:\n${listed}`,
      effects: [],
      step: step.id,
      recommended: null,
      withinMs: run.agent.policy.approveWithinMs,
      onTimeout: 'reject',
    },
    () => run.stop !== null,
  )
  if (record?.answer === 'approve') return null
  throw new StepFailed(
    'reject',
    `the code of step ${step.id} was ${record?.answer === 'timeout' ? 'not approved in time' : 'rejected'}`,
  )
}

/** Answers why the execution did not do; null: the step is done. */
async function execute(context: RunContext, step: CodeStep, code: Stored): Promise<string | null> {
  const { run, activities, attempts, effects } = context
  for (let losses = 0; ;) {
    const generation = run.nextGeneration(step.id)
    run.setStep(step.id, 'executing')
    effects.parked.delete(step.id)
    attempts.expect(step.id, generation, reachable(context, step))
    const ended = await runOnce(context, step, code, generation)
    const denied = await attempts.close(step.id)
    const left = run.effectsOf(step.id, generation)

    const parked = effects.parked.get(step.id)
    if (parked) {
      await undoAttempt(context, step.id, generation)
      await askFor(context, step.id, parked)
      continue
    }
    if (ended.kind === 'lost') {
      await undoAttempt(context, step.id, generation)
      await afterLoss(context, `${step.id}.${generation}`, ++losses, ended.error)
      continue
    }

    run.setStep(step.id, 'validating')
    const announcesAll = effects.announcesAll.has(step.id)
    const { findings } = await activities.run.validate.executeWithOptions(
      { summary: `compare ${step.id} with its plan` },
      [{ step, announcesAll, effects: left, denied }],
    )
    const { result } = ended
    if (result.kind === 'exited' && result.exitCode === 0) {
      run.findings = [...run.findings.filter((finding) => finding.step !== step.id), ...findings]
      const view = run.step(step.id)
      view.evidence = result.result ?? result.stdout
      view.error = null
      run.setStep(step.id, 'done')
      return null
    }
    await undoAttempt(context, step.id, generation)
    return whyFailed(result, denied)
  }
}

type Ended = { kind: 'ran'; result: ExecutionResult } | { kind: 'lost'; error: string }

async function runOnce(context: RunContext, step: CodeStep, code: Stored, generation: number): Promise<Ended> {
  const { run, activities, effects } = context
  const scope = new CancellationScope()
  try {
    const result = await scope.run(async () => {
      const execution = activities.sandbox.execute.executeWithOptions(
        { summary: `run the code of ${step.id} (${generation})` },
        [
          {
            run: run.id,
            step: step.id,
            generation,
            code,
            language: step.language,
            connectors: [...reachable(context, step)],
            timeoutMs: run.agent.budgets.codeMs,
          },
        ],
      )
      effects.onParked(step.id, () => scope.cancel())
      return await execution
    })
    return { kind: 'ran', result }
  } catch (error) {
    if (isCancellation(error) && !effects.parked.has(step.id)) throw error
    return { kind: 'lost', error: rootMessage(error) }
  } finally {
    effects.onParked(step.id, null)
  }
}

/** A step reaches only the connectors it announces. */
function reachable(context: RunContext, step: CodeStep): readonly ConnectorSnapshot[] {
  const { connectors } = context.run.agent
  if (context.effects.announcesAll.has(step.id)) return connectors
  return connectors.filter((connector) => step.announce.some((each) => each.connector === connector.name))
}

function whyFailed(
  result: ExecutionResult,
  denied: readonly { method: string; target: string; reason: string }[],
): string {
  const lines = [
    result.kind === 'timeout'
      ? `the code ran into its time limit after ${Math.round(result.durationMs / 1000)} s`
      : result.kind === 'killed'
        ? 'the code was killed'
        : `the code ended with exit code ${result.exitCode}`,
    ...denied.map((each) => `denied: ${each.method} ${each.target}: ${each.reason}`),
  ]
  if (result.tail) lines.push(result.tail)
  return lines.join('\n')
}
