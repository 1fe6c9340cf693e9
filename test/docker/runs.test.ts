import { inject, describe, expect, test } from 'vitest'
import { http } from '../../src/config/connectors.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { createInstallation, type Installation } from '../support/installation.ts'
import { type Calendar, startCalendar } from '../support/calendar.ts'

/** Whole runs of code: real Temporal, real Docker, a real service whose own state is what is expected. */

const ROUTES = {
  'GET /events': {},
  'GET /events/{id}': {},
  'PATCH /events/{id}': { volatile: ['version'] },
  'PUT /events/{id}': { volatile: ['version'] },
  'DELETE /events/{id}': { volatile: ['version'] },
  'POST /messages': { permission: 'hold' as const },
}

type Agent = NonNullable<ConfigInput['agents']>[string]

async function install(calendar: Calendar, agent: Agent = {}, script: readonly unknown[] = []): Promise<Installation> {
  return await createInstallation({
    temporal: inject('temporal'),
    image: inject('sandboxImage'),
    config: {
      connectors: { calendar: http({ url: 'http://calendar.example.com', upstream: calendar.url, routes: ROUTES }) },
      agents: { assistant: { connectors: ['calendar'], ...agent } },
    },
    script,
  })
}

const python = (...lines: string[]) => ['import requests', "BASE = 'http://calendar.example.com'", ...lines].join('\n')
const MOVE = "requests.patch(BASE + '/events/1', json={'start': '11:00', 'end': '12:00'}).raise_for_status()"
const SEND = "print(requests.post(BASE + '/messages', json={'text': 'late'}).json()['status'])"
const EVENT = { id: '1', title: 'Team meeting', start: '10:00', end: '11:00' }

describe('code that was handed in', () => {
  test('acts, waits for a decision, and is undone exactly', async () => {
    await using calendar = await startCalendar()
    await using installation = await install(calendar)
    const run = await installation.client.start({
      agent: 'assistant',
      request: 'move it',
      code: python(MOVE),
      language: 'python',
    })
    const waiting = await run.wait({ timeoutMs: 60_000 })
    expect(waiting).toMatchObject({ phase: 'waiting', reason: null })
    expect(waiting.effects).toMatchObject([
      { id: 's1.1.1', state: 'performed', announced: true, compensation: { kind: 'restore', method: 'PATCH' } },
    ])
    expect(calendar.events.get('1')).toMatchObject({ start: '11:00', end: '12:00' })

    await run.undo()
    const undone = await run.wait({ until: ['settled'], timeoutMs: 60_000 })
    expect(undone).toMatchObject({ phase: 'undone', undo: { verdict: 'exact', failures: [] } })
    expect(undone.effects).toMatchObject([{ state: 'undone', verdict: 'exact' }])
    expect(calendar.events.get('1')).toMatchObject(EVENT)
  })

  test('is confirmed: what was held is sent once, and the window can still undo the rest', async () => {
    await using calendar = await startCalendar()
    await using installation = await install(calendar)
    const code = python(MOVE, SEND)
    const run = await installation.client.start({ agent: 'assistant', request: 'both', code, language: 'python' })
    const waiting = await run.wait({ timeoutMs: 60_000 })
    expect(waiting.effects.map((effect) => effect.state)).toEqual(['performed', 'held'])
    expect(calendar.messages).toEqual([])

    await run.confirm()
    const confirmed = await run.wait({ until: ['settled'], timeoutMs: 60_000 })
    expect(confirmed.phase).toBe('confirmed')
    expect(calendar.messages).toEqual([{ id: '1', text: 'late' }])

    await run.undo({ actor: 'ann', note: 'wrong week' })
    const after = await run.wait({ until: (state) => state.undo?.verdict != null, timeoutMs: 60_000 })
    // The mail is out: nothing declares how to take it back, and the report says so.
    expect(after.effects).toMatchObject([
      { state: 'undone', verdict: 'exact' },
      { state: 'performed', verdict: 'irreversible' },
    ])
    expect(after.phase).toBe('attention')
    expect(after.undo).toMatchObject({ reason: 'asked to: wrong week', actor: 'ann', verdict: 'irreversible' })
    expect(calendar.events.get('1')).toMatchObject(EVENT)
    expect(calendar.messages).toHaveLength(1)
  })

  test('fails after effects: everything is undone and the run says why it failed', async () => {
    await using calendar = await startCalendar()
    await using installation = await install(calendar)
    const code = python(MOVE, SEND, "raise RuntimeError('no battery')")
    const run = await installation.client.start({ agent: 'assistant', request: 'both', code, language: 'python' })
    const failed = await run.wait({ timeoutMs: 60_000 })
    expect(failed.phase).toBe('failed')
    expect(failed.reason).toContain('no battery')
    expect(failed.effects.map((effect) => effect.verdict)).toEqual(['exact', 'discarded'])
    expect(calendar.events.get('1')).toMatchObject(EVENT)
    expect(calendar.messages).toEqual([])
  })

  test('is cancelled while it runs: what it did is undone', async () => {
    await using calendar = await startCalendar()
    await using installation = await install(calendar)
    const code = python(MOVE, 'import time', 'time.sleep(50)')
    const run = await installation.client.start({ agent: 'assistant', request: 'slow', code, language: 'python' })
    await run.wait({ until: (state) => state.effects[0]?.state === 'performed', timeoutMs: 60_000 })
    await run.cancel()
    const cancelled = await run.wait({ until: ['settled'], timeoutMs: 60_000 })
    expect(cancelled).toMatchObject({ phase: 'cancelled', undo: { verdict: 'exact' } })
    expect(calendar.events.get('1')).toMatchObject(EVENT)
  })

  test("leaves somebody else's change alone and says drifted", async () => {
    await using calendar = await startCalendar()
    await using installation = await install(calendar)
    const run = await installation.client.start({
      agent: 'assistant',
      request: 'move it',
      code: python(MOVE),
      language: 'python',
    })
    await run.wait({ timeoutMs: 60_000 })
    const theirs = { ...calendar.events.get('1'), start: '15:00' }
    calendar.events.set('1', theirs)
    await run.undo()
    const after = await run.wait({ until: ['settled'], timeoutMs: 60_000 })
    expect(after.phase).toBe('attention')
    expect(after.undo?.failures).toMatchObject([{ effect: 's1.1.1', verdict: 'drifted' }])
    expect(calendar.events.get('1')).toEqual(theirs)
  })

  test('reaches nothing that is not declared: an undeclared route is asked about, an unknown name does not exist', async () => {
    await using calendar = await startCalendar()
    await using installation = await install(calendar, { policy: { undeclared: 'deny' } })
    const code = python(
      "answer = requests.post(BASE + '/other', json={})",
      "print(answer.status_code, answer.headers['x-recourse'])",
      'try:',
      "    requests.get('http://elsewhere.example.com/')",
      'except requests.ConnectionError:',
      "    print('no such name')",
    )
    const run = await installation.client.start({ agent: 'assistant', request: 'try it', code, language: 'python' })
    const state = await run.wait({ timeoutMs: 60_000 })
    expect(state.answer).toBe('403 policy\nno such name')
    expect(calendar.log).toEqual([])
    // Nothing happened, so there is nothing to decide; that it was tried is on the run.
    expect(state.phase).toBe('completed')
    expect(state.findings).toMatchObject([{ kind: 'denied', step: 's1' }])
  })

  test('an effect that must be asked about ends the attempt; approved, the code runs again with just that allowed', async () => {
    await using calendar = await startCalendar()
    await using installation = await install(calendar)
    const code = python(MOVE, "requests.post(BASE + '/undeclared', json={'a': 1})", "print('through')")
    const run = await installation.client.start({ agent: 'assistant', request: 'ask me', code, language: 'python' })
    const asking = await run.wait({ timeoutMs: 60_000 })
    expect(asking.decision).toMatchObject({ kind: 'approve', step: 's1' })
    expect(asking.decision?.question).toContain('POST /undeclared on calendar')
    // No container waits, and nothing it did stands.
    expect(calendar.events.get('1')).toMatchObject(EVENT)
    expect(calendar.log).not.toContain('POST /undeclared')

    await run.approve()
    const done = await run.wait({
      until: (state) => state.phase === 'waiting' || state.settled !== null,
      timeoutMs: 60_000,
    })
    expect(done.answer).toBe('through')
    expect(calendar.log.filter((line) => line === 'POST /undeclared')).toHaveLength(1)
    expect(done.effects.map(({ id, state, verdict }) => ({ id, state, verdict }))).toEqual([
      { id: 's1.1.1', state: 'undone', verdict: 'exact' },
      { id: 's1.2.1', state: 'performed', verdict: null },
      // The service answered 404: nothing happened.
      { id: 's1.2.2', state: 'refused', verdict: null },
    ])
  })

  test('rejected instead: nothing is left', async () => {
    await using calendar = await startCalendar()
    await using installation = await install(calendar)
    const code = python(MOVE, "requests.post(BASE + '/undeclared', json={'a': 1})")
    const run = await installation.client.start({ agent: 'assistant', request: 'ask me', code, language: 'python' })
    await run.wait({ timeoutMs: 60_000 })
    await run.reject({ note: 'no' })
    const rejected = await run.wait({ until: ['settled'], timeoutMs: 60_000 })
    expect(rejected.phase).toBe('rejected')
    expect(calendar.events.get('1')).toMatchObject(EVENT)
    expect(calendar.log).not.toContain('POST /undeclared')
  })

  test('a decision nobody makes has the outcome the policy names', async () => {
    await using calendar = await startCalendar()
    await using installation = await install(calendar, { policy: { confirmWithin: '1s', onConfirmTimeout: 'undo' } })
    const run = await installation.client.start({
      agent: 'assistant',
      request: 'move it',
      code: python(MOVE),
      language: 'python',
    })
    const undone = await run.wait({ until: ['settled'], timeoutMs: 60_000 })
    expect(undone).toMatchObject({ phase: 'undone', undo: { verdict: 'exact' } })
    expect(undone.decisions).toMatchObject([{ answer: 'timeout', actor: 'deadline' }])
    expect(calendar.events.get('1')).toMatchObject(EVENT)
  })
})

describe('code a model wrote', () => {
  const plan = (announce: unknown) => ({
    role: 'planner',
    reply: { steps: [{ id: 's1', kind: 'code', purpose: 'Tell the team', language: 'python', announce }] },
  })
  const vetted = { role: 'vetter', times: 9, reply: { permission: 'allow', findings: [] } }
  const solved = { role: 'solver', reply: { answer: 'The team knows.' } }
  const announced = plan([{ connector: 'calendar', routes: ['GET /events', 'POST /messages'] }])

  test('does what was planned: no findings', async () => {
    await using calendar = await startCalendar()
    const script = [announced, { role: 'coder', reply: { code: python(SEND) } }, vetted, solved]
    await using installation = await install(calendar, {}, script)
    const run = await installation.client.start({ agent: 'assistant', request: 'tell the team' })
    const state = await run.wait({ timeoutMs: 60_000 })
    expect(state.findings).toEqual([])
    expect(state.decision).toMatchObject({ kind: 'confirm', recommended: 'confirm' })
    expect(state.answer).toBe('The team knows.')
  })

  test('does something else than it says: noticed from the effects, performed because it restores exactly, undo recommended', async () => {
    await using calendar = await startCalendar()
    const clumsy = python(MOVE, "print('message sent to the team')")
    await using installation = await install(calendar, {}, [
      announced,
      { role: 'coder', reply: { code: clumsy } },
      vetted,
      solved,
    ])
    const run = await installation.client.start({ agent: 'assistant', request: 'tell the team' })
    const state = await run.wait({ timeoutMs: 60_000 })
    expect(state.decision).toMatchObject({ kind: 'confirm', recommended: 'undo' })
    expect(state.findings.map((finding) => finding.message)).toEqual([
      'PATCH /events/1 on calendar was not in the plan',
      'POST /messages on calendar was in the plan and did not happen',
    ])
  })

  test('the same under a strict agent: denied', async () => {
    await using calendar = await startCalendar()
    const clumsy = python(MOVE)
    const coder = { role: 'coder', times: 9, reply: { code: clumsy } }
    await using installation = await install(calendar, { policy: { strict: true } }, [announced, coder, vetted, solved])
    const run = await installation.client.start({ agent: 'assistant', request: 'tell the team' })
    const state = await run.wait({ timeoutMs: 60_000 })
    expect(state.phase).toBe('failed')
    expect(state.reason).toContain('was not in the plan')
    expect(calendar.log.filter((line) => line.startsWith('PATCH'))).toEqual([])
  })

  test('is rejected by the rule table, goes back with the findings, and is mended', async () => {
    await using calendar = await startCalendar()
    const script = [
      announced,
      { role: 'coder', when: 'starts another process', reply: { code: python(SEND) } },
      { role: 'coder', reply: { code: 'import subprocess\nsubprocess.run(["id"])' } },
      vetted,
      solved,
    ]
    await using installation = await install(calendar, {}, script)
    const run = await installation.client.start({ agent: 'assistant', request: 'tell the team' })
    const state = await run.wait({ timeoutMs: 60_000 })
    expect(state).toMatchObject({ reason: null, effects: [{ id: 's1.1.1', state: 'held' }] })
  })

  test('crashes after an effect, and the next try starts from the world as it was', async () => {
    await using calendar = await startCalendar()
    const move = plan([{ connector: 'calendar', routes: ['PATCH /events/{id}'] }])
    const script = [
      move,
      { role: 'coder', when: 'half way', reply: { code: python(MOVE) } },
      { role: 'coder', reply: { code: python(MOVE.replace('11:00', '09:00'), "raise RuntimeError('half way')") } },
      vetted,
      solved,
    ]
    await using installation = await install(calendar, {}, script)
    const run = await installation.client.start({ agent: 'assistant', request: 'move the meeting' })
    const state = await run.wait({ timeoutMs: 60_000 })
    expect(state.effects.map(({ id, state, verdict }) => [id, state, verdict])).toEqual([
      ['s1.1.1', 'undone', 'exact'],
      ['s1.2.1', 'performed', null],
    ])
    // What was there before the second try is what was there before the first.
    await run.undo()
    await run.wait({ until: ['settled'], timeoutMs: 60_000 })
    expect(calendar.events.get('1')).toMatchObject(EVENT)
  })
})
