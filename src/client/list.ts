import type { WorkflowExecutionInfo } from '@temporalio/client'
import { WORKFLOWS } from '../run/names.ts'
import type { Phase } from '../run/view.ts'
import { PHASES } from '../run/view.ts'
import type { Access } from './access.ts'
import { errors } from './errors.ts'

export interface ListOptions {
  phase?: Phase
  agent?: string
  needsDecision?: boolean
  /** At most so many, the latest started first. Default: 20. */
  limit?: number
}

/** A run as Temporal's visibility knows it: no worker is asked, and it may lag by a moment. */
export interface RunSummary {
  readonly id: string
  readonly agent: string
  /** The beginning of the request. */
  readonly request: string
  readonly phase: Phase | null
  readonly needsDecision: boolean
  readonly undoVerdict: string | null
  /** ISO 8601. */
  readonly started: string
  readonly closed: string | null
}

const MOST = 1000

/** @throws RecourseError INVALID_REQUEST for a phase or a limit that cannot be. */
export async function listRuns(access: Access, options: ListOptions = {}): Promise<RunSummary[]> {
  const query = toQuery(options)
  const limit = options.limit ?? 20
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST) {
    throw errors.invalidRequest(`limit: ${limit} is not a whole number from 1 to ${MOST}`)
  }
  const found = await access.call('the runs cannot be listed', null, async (workflows) => {
    const infos: WorkflowExecutionInfo[] = []
    for await (const info of workflows.list({ query, pageSize: Math.min(limit, 200) })) {
      infos.push(info)
      if (infos.length === limit) break
    }
    return infos
  })
  return found.map(toSummary).sort((a, b) => (a.started < b.started ? 1 : -1))
}

export function toQuery(options: ListOptions): string {
  const { phase, agent, needsDecision } = options
  if (phase !== undefined && !PHASES.includes(phase)) {
    throw errors.invalidRequest(`phase: "${String(phase)}" is none; phases are ${PHASES.join(', ')}`)
  }
  const types = Object.values(WORKFLOWS)
    .map((type) => `'${type}'`)
    .join(', ')
  return [
    `WorkflowType IN (${types})`,
    // The earlier executions of a run that continued as new are the same run.
    `ExecutionStatus != 'ContinuedAsNew'`,
    ...(phase === undefined ? [] : [`RecoursePhase = '${phase}'`]),
    ...(agent === undefined ? [] : [`RecourseAgent = '${agent.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`]),
    ...(needsDecision === undefined ? [] : [`RecourseNeedsDecision = ${needsDecision}`]),
  ].join(' AND ')
}

function toSummary(info: WorkflowExecutionInfo): RunSummary {
  const attribute = (name: string): unknown => info.searchAttributes[name]?.[0]
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  return {
    id: info.workflowId,
    agent: text(info.memo?.agent) || text(attribute('RecourseAgent')),
    request: text(info.memo?.request),
    phase: (attribute('RecoursePhase') as Phase | undefined) ?? null,
    needsDecision: attribute('RecourseNeedsDecision') === true,
    undoVerdict: text(attribute('RecourseUndoVerdict')) || null,
    started: info.startTime.toISOString(),
    closed: info.closeTime?.toISOString() ?? null,
  }
}
