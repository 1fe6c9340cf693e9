import type { AgentSnapshot } from '../run/agent.ts'
import type { Blobs } from '../blobs/blobs.ts'
import { checkPlan } from '../run/check-plan.ts'
import type { RunActivities } from '../run/ports.ts'
import type { RunView } from '../run/view.ts'
import { validateStep } from '../run/validate.ts'

export interface RunPorts {
  readonly blobs: Blobs
  /** Null: there is no such agent. */
  readonly agent: (name: string) => AgentSnapshot | null
  readonly agents: readonly string[]
}

/** Activities of the orchestrator: what needs neither secrets nor Docker nor a model. */
export function createRunActivities({ blobs, agent, agents }: RunPorts): RunActivities {
  return {
    async resolveAgent(args) {
      const found = agent(args.agent)
      if (found) return { kind: 'agent', agent: found }
      return {
        kind: 'unknown',
        error: `there is no agent "${args.agent}"; the config has ${agents.join(', ') || 'none'}`,
      }
    },
    async checkPlan(args) {
      return checkPlan(args.agent, args.plan)
    },
    async validate({ step, announcesAll, effects, denied }) {
      return { findings: validateStep(step, announcesAll, effects, denied) }
    },
    async storeText({ text }) {
      return await blobs.put(Buffer.from(text, 'utf8'), 'text/plain')
    },
    async storeRun(stored) {
      return await blobs.put(Buffer.from(JSON.stringify(stored), 'utf8'), 'application/json')
    },
    async loadRun({ run }) {
      // Written by storeRun under its digest, which the store checks: nobody else's text is parsed here.
      const bytes = await blobs.get(run)
      return JSON.parse(Buffer.from(bytes).toString('utf8')) as { view: RunView; agent: AgentSnapshot }
    },
  }
}
