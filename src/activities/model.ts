import type { Blobs } from '../blobs/blobs.ts'
import { generate } from '../coding/coder.ts'
import { judge } from '../coding/judge.ts'
import { giveOpinion } from '../coding/opinion.ts'
import { type Asking, type Found, RESULT_LIMIT } from '../model/asking.ts'
import { ModelError, toApplicationFailure } from '../model/failures.ts'
import type { Completion, Models } from '../model/models.ts'
import { loadPrompts } from '../model/prompts.ts'
import { shorten } from '../model/text.ts'
import { interpret } from '../planning/interpreter.ts'
import { plan } from '../planning/planner.ts'
import { route } from '../planning/router.ts'
import { solve } from '../planning/solver.ts'
import { strictest } from '../run/permission.ts'
import type { CodeStep, Language, Step } from '../run/plan.ts'
import type { Costed, Evidence, ModelActivities, ToolCall } from '../run/ports.ts'
import type { Stored } from '../run/stored.ts'
import type { VetFinding } from '../run/view.ts'
import { withHeartbeat } from './heartbeat.ts'

/** The rule table: vetting without a model. */
export type VetRules = (
  code: string,
  language: Language,
) => Promise<{ permission: 'allow' | 'ask' | 'deny'; findings: VetFinding[] }>

export interface ModelPorts {
  readonly models: Models
  readonly blobs: Blobs
  readonly vet: VetRules
}

const NO_USAGE = { modelCalls: 0, promptTokens: 0, completionTokens: 0 }

/** The activities of the role `model`. Reads the prompts once, now. */
export function createModelActivities({ models, blobs, vet }: ModelPorts): ModelActivities {
  const prompts = loadPrompts()

  /** Heartbeats, passes the cancellation on, and turns a provider's failure into one that Temporal retries rightly. */
  function ask<T>(work: (asking: Asking) => Promise<T>): Promise<T> {
    return withHeartbeat(async (signal) => {
      try {
        return await work({ models, prompts, signal })
      } catch (error) {
        if (signal.aborted) throw signal.reason
        throw error instanceof ModelError ? toApplicationFailure(error) : error
      }
    })
  }

  async function read(stored: Stored): Promise<string> {
    return stored.text ?? Buffer.from(await blobs.get(stored)).toString('utf8')
  }

  async function readEvidence(evidence: readonly Evidence[]): Promise<Found[]> {
    return await Promise.all(
      evidence.map(async ({ step, evidence: stored, note }) => ({
        source: `step ${step}`,
        text: stored ? shorten(await read(stored), RESULT_LIMIT) : `(nothing: ${note ?? 'no result'})`,
      })),
    )
  }

  async function readCalls(calls: readonly ToolCall[]): Promise<Found[]> {
    return await Promise.all(
      calls.map(async (call) => ({
        source: `${call.tool} ${JSON.stringify(call.arguments)}`,
        text: shorten(await read(call.output), RESULT_LIMIT),
      })),
    )
  }

  return {
    plan: (args) =>
      ask(async (asking) => {
        const completion = await plan(asking, args)
        if (completion.kind === 'unusable') return toUnusable(completion)
        return { kind: 'plan', plan: completion.value, ...toCost(completion) }
      }),

    generate: ({ agent, request, input, step, evidence, previous }) =>
      ask(async (asking) => {
        const completion = await generate(asking, {
          agent,
          request,
          input,
          step: toCodeStep(step),
          found: await readEvidence(evidence),
          previous: previous && { code: await read(previous.code), error: previous.error },
        })
        if (completion.kind === 'unusable') return toUnusable(completion)
        const code = await blobs.put(Buffer.from(completion.value, 'utf8'), 'text/plain')
        return { kind: 'code', code, ...toCost(completion) }
      }),

    vet: ({ agent, code, language, step, opinion }) =>
      ask(async (asking) => {
        const source = await read(code)
        const rules = await vet(source, language)
        if (rules.permission === 'deny' || !opinion) return { ...rules, usage: NO_USAGE }
        const completion = await giveOpinion(asking, { agent, code: source, step: toCodeStep(step) })
        const noticed = toFindings(completion)
        const permissions = noticed.map((finding) => finding.permission)
        return {
          permission: toVetPermission(strictest(rules.permission, ...permissions)),
          findings: [...rules.findings, ...noticed],
          ...toCost(completion),
        }
      }),

    route: ({ agent, request, input, error, done }) =>
      ask(async (asking) => {
        const completion = await route(asking, { agent, request, input, error, done: await readCalls(done) })
        if (completion.kind === 'unusable') return toUnusable(completion)
        return { ...completion.value, ...toCost(completion) }
      }),

    interpret: ({ agent, request, done }) =>
      ask(async (asking) => {
        const completion = await interpret(asking, { agent, request, done: await readCalls(done) })
        if (completion.kind === 'unusable') return toUnusable(completion)
        const { kind, answer } = completion.value
        return kind === 'answer' ? { kind, answer, ...toCost(completion) } : { kind, ...toCost(completion) }
      }),

    solve: ({ agent, request, input, plan: solved, evidence, effects }) =>
      ask(async (asking) => {
        const found = await readEvidence(evidence)
        const completion = await solve(asking, { agent, request, input, plan: solved, found, effects })
        if (completion.kind === 'unusable') return toUnusable(completion)
        return { kind: 'answer', answer: completion.value, ...toCost(completion) }
      }),

    judge: (args) =>
      ask(async (asking) => {
        const completion = await judge(asking, args)
        if (completion.kind === 'value') return { ...completion.value, ...toCost(completion) }
        return {
          answer: 'human',
          reason: `The judge gave no usable answer: ${completion.error}`,
          ...toCost(completion),
        }
      }),
  }
}

function toCost({ usage, model, promptDigest }: Completion<unknown>): Costed {
  return { usage, made: { model, prompt: promptDigest } }
}

function toUnusable(completion: Completion<unknown> & { kind: 'unusable' }) {
  return { kind: 'unusable', error: completion.error, ...toCost(completion) } as const
}

/** Code handed in and code of a plan both come as code steps; anything else is a mistake of the caller. */
function toCodeStep(step: Step): CodeStep {
  if (step.kind === 'code') return step
  throw new Error(`Step ${step.id} is a ${step.kind} step; only code steps have code`)
}

/** What the model noticed. An answer that can not be used is noticed as well: nobody has said that the code is fine. */
function toFindings(completion: Awaited<ReturnType<typeof giveOpinion>>): VetFinding[] {
  if (completion.kind === 'unusable') {
    const reason = `The vetter gave no usable opinion, so a person has to look: ${completion.error}`
    return [{ rule: 'opinion', permission: 'ask', line: 0, reason }]
  }
  const { permission, findings } = completion.value
  const noticed = findings.map((finding) => ({ rule: 'opinion', ...finding }))
  // An overall answer stricter than every finding still needs a line a person can read.
  if (noticed.some((finding) => finding.permission === permission) || permission === 'allow') return noticed
  return [...noticed, { rule: 'opinion', permission, line: 0, reason: 'The vetter gave no reason.' }]
}

function toVetPermission(permission: ReturnType<typeof strictest>): 'allow' | 'ask' | 'deny' {
  return permission === 'hold' ? 'ask' : permission
}
