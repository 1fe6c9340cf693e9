import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { RunView, StartOptions } from '../../src/client/index.ts'
import { cases, type Case } from '../late-for-meeting/cases.ts'
import { readLateForMeeting, toComparable } from '../late-for-meeting/store.ts'
import { createChecks, type Outcome } from './outcome.ts'
import type { Stage } from './stage.ts'

const WAIT_MS = 120_000
/** How late the service answers writes while an undo is to be killed in its middle. */
const SLOW_MS = 3_000

/** Runs every case of the example, killing the worker once before a decision and once in the middle of an undo. */
export async function lateForMeeting(stage: Stage, scripted: boolean): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const each of cases) outcomes.push(await runCase(stage, each, scripted))
  return outcomes
}

/** One more run of the clumsy code, which is left waiting for whoever runs the demo. */
export async function leaveWaiting(stage: Stage, scripted: boolean): Promise<RunView> {
  const clumsy = cases.find(({ findings }) => findings.length > 0)
  if (!clumsy) throw new Error('no case of the example leaves anything to notice')
  const run = await stage.client.start({ agent: 'assistant', ...(await toStart(clumsy, scripted)), requester: 'demo' })
  return await run.wait({ until: ['decision'], timeoutMs: WAIT_MS })
}

async function runCase(stage: Stage, each: Case, scripted: boolean): Promise<Outcome> {
  const { client } = stage
  const checks = createChecks()
  const before = readLateForMeeting(stage.store)
  const started = performance.now()
  const run = await client.start({ agent: 'assistant', ...(await toStart(each, scripted)), requester: 'demo' })
  const acted = await run.wait({ timeoutMs: WAIT_MS })
  checks.equal('recommendation', acted.decision?.recommended ?? null, each.recommended)

  let killed: Outcome['killed'] = null
  if (each.decide === 'confirm') {
    killed = 'before the decision'
    await stage.killWorker()
    await stage.startWorker()
    checks.equal(
      'mails sent before the decision',
      readLateForMeeting(stage.store).messages.length,
      before.messages.length,
    )
    await run.confirm({ actor: 'demo' })
  } else if (each.decide === 'undo' && each.findings.length > 0) {
    killed = 'in the middle of the undo'
    await stage.restartServices(SLOW_MS)
    await run.undo({ actor: 'demo', note: 'that is not what I asked for' })
    await untilWriteArrives(stage, readLateForMeeting(stage.store).requests.length)
    await stage.killWorker()
    await stage.restartServices(0)
    await stage.startWorker()
  } else if (each.decide === 'undo') {
    await run.undo({ actor: 'demo' })
  }
  const settled = await run.wait({ until: ['settled'], timeoutMs: WAIT_MS })
  const ms = performance.now() - started

  // From the services' own file, and from nothing else.
  const after = readLateForMeeting(stage.store)
  const writes = after.requests.slice(before.requests.length).filter((request) => request.method !== 'GET')
  checks.equal('phase', settled.phase, each.phase)
  checks.equal(
    'findings',
    settled.findings.map((finding) => finding.kind),
    each.findings,
  )
  const last = settled.effects.filter((effect) => effect.generation === settled.effects.at(-1)?.generation)
  checks.equal(
    'effects',
    last.map((effect) => `${effect.request.route} on ${effect.request.connector}`),
    each.effects,
  )
  if (each.decide === 'undo') checks.equal('verdict', settled.undo?.verdict ?? null, each.verdict)
  checks.equal('effects left', settled.effects.filter((effect) => effect.state === 'performed').length, each.sent)
  checks.equal('mails sent', after.messages.length - before.messages.length, each.sent)
  checks.equal('calendar', toComparable(after.events), toComparable(before.events))
  if (killed === 'in the middle of the undo') {
    checks.equal(
      'writes: the change and its undo, once each',
      writes.map((request) => request.method),
      ['PATCH', 'PATCH'],
    )
  }
  return { example: stage.example, name: each.name, run: settled, ms, killed, deviations: checks.deviations }
}

const Script = z.array(z.object({ role: z.string(), when: z.string().optional(), reply: z.unknown() }))
const Code = z.object({ code: z.string() })

/**
 * A real model is asked for what a model can be counted on to do. Clumsy and failing code is then handed in, out of the
 * script, announcing what the plan would have.
 */
async function toStart(
  each: Case,
  scripted: boolean,
): Promise<Pick<StartOptions, 'request' | 'code' | 'language' | 'announce'>> {
  const { request } = each
  if (scripted || (each.decide !== null && each.findings.length === 0)) return { request }
  const script = Script.parse(
    JSON.parse(await readFile(new URL('../late-for-meeting/model-script.json', import.meta.url), 'utf8')),
  )
  const entry = script
    .filter(({ role, when }) => role === 'coder' && when !== undefined && request.includes(when))
    .at(-1)
  const announce = [
    {
      connector: 'calendar',
      routes: each.findings.length > 0 ? ['GET /events'] : ['GET /events', 'PATCH /events/{id}'],
    },
    { connector: 'mail', routes: ['POST /messages'] },
  ]
  return { request, code: Code.parse(entry?.reply).code, language: 'python', announce }
}

/** The undo's write is done in the service, and its answer is still on the way. */
async function untilWriteArrives(stage: Stage, from: number): Promise<void> {
  const deadline = Date.now() + 30_000
  while (Date.now() < deadline) {
    const { requests } = readLateForMeeting(stage.store)
    if (requests.slice(from).some((request) => request.method !== 'GET')) return
    await delay(10)
  }
  throw new Error('the undo did not write anything within 30 s')
}
