import type { AgentSnapshot } from './agent.ts'
import { Plan, type Step } from './plan.ts'

/** Everything wrong with a plan, each error exact enough for a model or a person to mend it. */
export function checkPlan(
  agent: AgentSnapshot,
  raw: unknown,
): { kind: 'ok'; plan: Plan } | { kind: 'bad'; errors: string[] } {
  const parsed = Plan.safeParse(raw)
  if (!parsed.success) {
    return {
      kind: 'bad',
      errors: parsed.error.issues.map((issue) => `${issue.path.join('.') || 'plan'}: ${issue.message}`),
    }
  }
  const plan = parsed.data
  const errors: string[] = []
  if (plan.steps.length > agent.budgets.steps) {
    errors.push(`steps: ${plan.steps.length} steps, but agent "${agent.name}" may have at most ${agent.budgets.steps}`)
  }
  const ids = new Set<string>()
  for (const step of plan.steps) {
    if (ids.has(step.id)) errors.push(`steps.${step.id}: this id is used twice`)
    ids.add(step.id)
  }
  for (const step of plan.steps) {
    for (const needed of step.after) {
      if (!ids.has(needed)) errors.push(`steps.${step.id}.after: "${needed}" is not a step`)
    }
    if (dependenciesOf(step, ids).includes(step.id)) errors.push(`steps.${step.id}: refers to itself`)
    if (step.kind === 'code') errors.push(...announcementErrors(agent, step.id, step.announce))
    if (step.kind === 'tool' && !agent.tools.some((tool) => tool.name === step.tool)) {
      const known = agent.tools.map((tool) => tool.name).join(', ') || 'none'
      errors.push(`steps.${step.id}.tool: there is no tool "${step.tool}"; known tools: ${known}`)
    }
  }
  const cycle = findCycle(plan.steps)
  if (cycle) errors.push(`steps: circular references: ${cycle.map((id) => `#${id}`).join(' -> ')}`)
  return errors.length > 0 ? { kind: 'bad', errors } : { kind: 'ok', plan }
}

export function announcementErrors(
  agent: AgentSnapshot,
  place: string,
  announce: readonly { connector: string; routes: readonly string[] }[],
): string[] {
  const errors: string[] = []
  for (const { connector: name, routes } of announce) {
    const connector = agent.connectors.find((each) => each.name === name)
    if (!connector) {
      const known = agent.connectors.map((each) => each.name).join(', ') || 'none'
      errors.push(`steps.${place}.announce: there is no connector "${name}"; known connectors: ${known}`)
      continue
    }
    for (const route of routes) {
      if (connector.routes.some((each) => each.route === route)) continue
      const known = connector.routes.map((each) => each.route).join(', ') || 'none'
      errors.push(`steps.${place}.announce: "${route}" is not a route of ${name}; its routes: ${known}`)
    }
  }
  return errors
}

/**
 * Ids a step waits for: those in `after`, and every `#id` of a step in its purpose or its arguments. A `#` before
 * anything else is text (a channel, an issue number).
 */
export function dependenciesOf(step: Step, ids: ReadonlySet<string>): string[] {
  const needed = new Set(step.after)
  const texts: string[] = [step.purpose]
  if (step.kind === 'tool') collectStrings(step.arguments, texts)
  for (const text of texts) {
    for (const [, id] of text.matchAll(/#([a-z][a-z0-9_-]{0,31})\b/g))
      if (id !== undefined && ids.has(id)) needed.add(id)
  }
  return [...needed]
}

function collectStrings(value: unknown, into: string[]): void {
  if (typeof value === 'string') into.push(value)
  else if (Array.isArray(value)) for (const item of value) collectStrings(item, into)
  else if (value !== null && typeof value === 'object') {
    for (const item of Object.values(value)) collectStrings(item, into)
  }
}

function findCycle(steps: readonly Step[]): string[] | null {
  const byId = new Map(steps.map((step) => [step.id, step]))
  const ids = new Set(byId.keys())
  const done = new Set<string>()
  const visit = (id: string, path: string[]): string[] | null => {
    if (path.includes(id)) return [...path.slice(path.indexOf(id)), id]
    const step = byId.get(id)
    if (!step || done.has(id)) return null
    for (const needed of dependenciesOf(step, ids)) {
      const cycle = needed === id ? null : visit(needed, [...path, id])
      if (cycle) return cycle
    }
    done.add(id)
    return null
  }
  for (const step of steps) {
    const cycle = visit(step.id, [])
    if (cycle) return cycle
  }
  return null
}
