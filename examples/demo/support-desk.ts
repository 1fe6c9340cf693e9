import { cases } from '../support-desk/cases.ts'
import { readSupportDesk } from '../support-desk/store.ts'
import { createChecks, type Outcome } from './outcome.ts'
import type { Stage } from './stage.ts'

const WAIT_MS = 120_000

export async function supportDesk(stage: Stage): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const each of cases) {
    const checks = createChecks()
    const before = readSupportDesk(stage.store).requests.length
    const started = performance.now()
    const run = await stage.client.start({ agent: 'desk', request: each.request, requester: 'demo' })
    const settled = await run.wait({ timeoutMs: WAIT_MS })
    const ms = performance.now() - started
    checks.equal('phase', settled.phase, 'completed')
    for (const text of each.contains) {
      if (!settled.answer?.includes(text)) checks.deviations.push(`the answer lacks "${text}": ${settled.answer}`)
    }
    if (each.exactly !== null) checks.equal('answer', settled.answer, each.exactly)
    const arrived = readSupportDesk(stage.store).requests.slice(before)
    checks.equal(
      'requests',
      arrived.map((request) => `${request.method} ${request.path}`),
      each.requests,
    )
    outcomes.push({
      example: stage.example,
      name: each.request,
      run: settled,
      ms,
      killed: null,
      deviations: checks.deviations,
    })
  }
  return outcomes
}
