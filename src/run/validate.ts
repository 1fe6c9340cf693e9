import type { Effect } from './effect.ts'
import type { Finding } from './findings.ts'
import type { Step } from './plan.ts'

export interface Denied {
  readonly connector: string
  readonly method: string
  readonly target: string
  readonly reason: string
}

/** Methods whose announcement promises nothing: reading what was announced may turn out not to be needed. */
const READS = /^(GET|HEAD|OPTIONS) /

/**
 * Compares what a step announced with the effects that happened, and never with what its code says. `effects` are the
 * step's effects of its last generation, the only ones that still stand. `announcesAll`: code that was handed in without
 * an announcement announces everything the agent may touch, and so promises nothing in particular.
 */
export function validateStep(
  step: Step,
  announcesAll: boolean,
  effects: readonly Effect[],
  denied: readonly Denied[],
): Finding[] {
  const findings: Finding[] = []
  const add = (kind: Finding['kind'], effect: Effect | null, message: string) =>
    findings.push({ kind, step: step.id, effect: effect?.id ?? null, message })
  const happened = effects.filter((effect) => effect.state !== 'refused' && effect.state !== 'discarded')
  for (const effect of happened) {
    const what = `${effect.request.method} ${effect.request.target} on ${effect.request.connector}`
    if (!effect.announced) add('unannounced', effect, `${what} was not in the plan`)
    if (effect.state === 'unknown')
      add('unknown', effect, `nobody knows whether ${what} happened: ${effect.note ?? 'no answer'}`)
    if (effect.compensation.kind === 'none') {
      add('irreversible', effect, `nothing can undo ${what}: ${effect.compensation.reason}`)
    }
  }
  if (step.kind === 'code' && !announcesAll) {
    for (const { connector, routes } of step.announce) {
      for (const route of routes) {
        if (READS.test(route)) continue
        if (happened.some((effect) => effect.request.connector === connector && effect.request.route === route))
          continue
        add('missing', null, `${route} on ${connector} was in the plan and did not happen`)
      }
    }
  }
  for (const each of denied) {
    add('denied', null, `${each.method} ${each.target} on ${each.connector} was denied: ${each.reason}`)
  }
  return findings
}

/** Whether an effect is covered by what its step said beforehand. A tool step announces what its tool does. */
export function isAnnounced(
  step: Step,
  announcesAll: boolean,
  request: { readonly connector: string; readonly route: string | null },
): boolean {
  if (step.kind !== 'code') return step.kind === 'tool'
  if (announcesAll) return true
  return step.announce.some(
    (each) => each.connector === request.connector && request.route !== null && each.routes.includes(request.route),
  )
}
