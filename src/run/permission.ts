import type { AgentSnapshot, Permission, RouteSpec } from './agent.ts'
import type { Compensation, EffectRequest } from './effect.ts'

const LADDER: readonly Permission[] = ['allow', 'hold', 'ask', 'deny']

export function strictest(...permissions: readonly Permission[]): Permission {
  return permissions.reduce((worst, each) => (LADDER.indexOf(each) > LADDER.indexOf(worst) ? each : worst), 'allow')
}

/** GET, HEAD and OPTIONS are meant to change nothing (RFC 9110, 9.2.1); where undeclared they are allowed or not, never undone. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

export interface PermissionQuestion {
  readonly agent: AgentSnapshot
  readonly request: EffectRequest
  readonly route: RouteSpec | null
  readonly announced: boolean
  /** What undoes it if it is sent now. */
  readonly compensation: Compensation
  /** True where the compensation restores the resource exactly. */
  readonly exact: boolean
}

/** The permission of one effect, and in a sentence what made it as strict as it is. */
export function permissionOf(question: PermissionQuestion): { permission: Permission; reason: string } {
  const { agent, request, route, announced, compensation, exact } = question
  const what = `${request.method} ${request.target} on ${request.connector}`
  const base = route ? strictest(agent.policy.effects, route.permission ?? 'allow') : agent.policy.undeclared
  if (base === 'deny') {
    return { permission: 'deny', reason: route ? `${what} is denied by policy` : `${what} is not a declared route` }
  }
  if (!announced && agent.policy.strict) {
    return { permission: 'deny', reason: `${what} was not in the plan, and agent "${agent.name}" is strict` }
  }
  if (base === 'ask') {
    return { permission: 'ask', reason: route ? `${what} must be asked first` : `${what} is not a declared route` }
  }
  // A held effect can be discarded for certain, whatever it would be once sent.
  if (base === 'hold') return { permission: 'hold', reason: `${what} is held until the run is confirmed` }
  if (compensation.kind === 'none' && !SAFE.has(request.method)) {
    return { permission: 'ask', reason: `nothing can undo ${what}: ${compensation.reason}` }
  }
  if (!announced && !exact && !SAFE.has(request.method)) {
    return { permission: 'ask', reason: `${what} was not in the plan and can not be restored exactly` }
  }
  return { permission: 'allow', reason: announced ? `${what} was announced` : `${what} was not in the plan` }
}
