import { expect, it } from 'vitest'
import { toQuery } from '../../../src/client/list.ts'

const BASE = `WorkflowType IN ('agentRun', 'undoWindow') AND ExecutionStatus != 'ContinuedAsNew'`

it('counts a run once, whatever it continued as', () => expect(toQuery({})).toBe(BASE))

it('filters by what visibility knows, with nothing to break out of', () => {
  expect(toQuery({ phase: 'waiting', agent: `a' OR 'b\\`, needsDecision: true })).toBe(
    String.raw`${BASE} AND RecoursePhase = 'waiting' AND RecourseAgent = 'a\' OR \'b\\' AND RecourseNeedsDecision = true`,
  )
})

it('refuses a phase that is none', () => {
  expect(() => toQuery({ phase: 'done' as never })).toThrow('phase: "done" is none; phases are planning, acting')
})
